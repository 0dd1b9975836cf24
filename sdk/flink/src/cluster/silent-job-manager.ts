import type { ClusterProcess } from './observed-cluster.ts';

/** How long a JobManager may run without answering before it is ended, at first and at most. */
const patienceMs = { first: 120_000, longest: 1_800_000 } as const;

/**
 * Whether a JobManager hangs, so that only another run of it helps. Each run is given as long as it was silent before that run: so one
 * that never answers is started again after 2, 4, 8, … minutes, and every half an hour in the end.
 * @param silentMs since the first look at which the JobManager did not answer, whichever run of it
 */
export function hangs({ state, ageMs }: ClusterProcess, silentMs: number): boolean {
  const { first, longest } = patienceMs;
  const ownMs = Math.min(Math.max(first, silentMs / 2), longest);
  return state === 'RUNNING' && silentMs > first && ageMs > ownMs;
}
