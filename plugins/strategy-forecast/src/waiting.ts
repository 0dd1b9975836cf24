import { isSource, type JobSample, type JobTopology, latest } from '@tessera/scaling';
import type { ForecastLearned } from './learned.ts';

/** As one sample alone is noisy. */
const averaged = 2;
/** Of all records: of a source that has less nobody can tell how long its records wait. */
const leastShare = 0.01;

/**
 * Records that wait, were all sources of a job as far behind as the one that is furthest: the objective holds for each,
 * and what one has much of must not hide that of another the few wait for long.
 */
export function waitingRecords(
  topology: JobTopology,
  samples: readonly JobSample[],
  vertices: ForecastLearned['vertices'],
): number {
  const last = samples.slice(-averaged);
  let sum = 0;
  let furthest = 0;
  for (const { id } of topology.vertices) {
    if (!isSource(topology, id)) continue;
    const lag = latest(last, id, (vertex) => vertex.lagRecords) ?? 0;
    const share = vertices[id]?.ratio ?? 0;
    sum += lag;
    if (share >= leastShare) furthest = Math.max(furthest, lag / share);
  }
  return Math.max(sum, furthest);
}
