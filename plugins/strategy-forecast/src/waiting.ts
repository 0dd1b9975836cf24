import { isSource, type JobSample, type JobTopology, latest } from '@tessera/scaling';
import type { ForecastLearned } from './learned.ts';

/** A metric that the newest sample lacks is in one before it. */
const lookedAt = 2;
/** Of all records: of a source that has less nobody can tell how long its records wait. */
const leastShare = 0.01;

/** Records that wait in front of all sources. */
export const waitingTogether = (topology: JobTopology, samples: readonly JobSample[]): number =>
  waitingBySource(topology, samples).reduce((sum, { lag }) => sum + lag, 0);

/**
 * Records that wait, were all sources of a job as far behind as the one that is furthest: the objective holds for each,
 * and those of a large one must not hide that the few of another wait for long.
 */
export function waitingRecords(
  topology: JobTopology,
  samples: readonly JobSample[],
  vertices: ForecastLearned['vertices'],
): number {
  const furthest = waitingBySource(topology, samples).map(({ id, lag }) => {
    const share = vertices[id]?.ratio ?? 0;
    return share < leastShare ? 0 : lag / share;
  });
  return Math.max(waitingTogether(topology, samples), ...furthest);
}

function waitingBySource(topology: JobTopology, samples: readonly JobSample[]) {
  const last = samples.slice(-lookedAt);
  return topology.vertices
    .filter(({ id }) => isSource(topology, id))
    .map(({ id }) => ({ id, lag: latest(last, id, (vertex) => vertex.lagRecords) ?? 0 }));
}
