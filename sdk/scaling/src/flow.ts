import { counterRate } from './rates.ts';
import type { JobSample } from './sample.ts';
import { isSource, type JobTopology } from './topology.ts';

/** Records per second into each vertex, as a window of samples of one attempt shows it. */
export interface ObservedFlow {
  readonly rateIn: ReadonlyMap<string, number>;
  /** Per vertex: records that it takes in for each record into all sources together. */
  readonly perSourceRecord: ReadonlyMap<string, number>;
  /** What arrives in front of each source, what it does not read included. */
  readonly arriving: ReadonlyMap<string, number>;
}

/**
 * How a job's records flow, or the vertices whose metrics do not tell. A vertex that something holds up takes in less than
 * is meant for it, but so does what is upstream: their ratio stays.
 */
export function observedFlow(
  topology: JobTopology,
  samples: readonly JobSample[],
): ObservedFlow | { readonly missing: readonly string[] } {
  const rateIn = new Map<string, number>();
  const arriving = new Map<string, number>();
  const missing: string[] = [];
  for (const { id } of topology.vertices) {
    const rate = counterRate(samples, id, (vertex) => vertex.recordsIn);
    if (rate === undefined) missing.push(id);
    else rateIn.set(id, rate);
    if (rate === undefined || !isSource(topology, id)) continue;
    const growth = counterRate(samples, id, (vertex) => vertex.lagRecords) ?? 0;
    arriving.set(id, Math.max(0, rate + growth));
  }
  if (missing.length > 0) return { missing };
  return { rateIn, arriving, perSourceRecord: ratios(topology, rateIn, arriving) };
}

function ratios(
  topology: JobTopology,
  rateIn: ReadonlyMap<string, number>,
  arriving: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const read = sum(arriving.keys().map((id) => rateIn.get(id)!));
  const arrives = sum(arriving.values());
  return new Map(
    topology.vertices.map(({ id }) => {
      const share = arriving.get(id);
      if (share !== undefined) return [id, arrives > 0 ? share / arrives : 0];
      return [id, read > 0 ? rateIn.get(id)! / read : 0];
    }),
  );
}

const sum = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};
