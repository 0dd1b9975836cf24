import { isLagGrowing, ofAttempt } from '@tessera/scaling';
import type { JobScaling } from './job-scaling.ts';

/** By then there are figures of a job that has any. */
const patienceMs = 60_000;

/** Whether the lag of an attempt of a job grows, or may do so as far as is known. What is not scaled has no figures, and is taken to keep up. */
export function mayLagGrow(
  scaling: JobScaling | undefined,
  { jobId, ageMs, isScaled }: LagQuestion,
): boolean {
  if (!isScaled) return false;
  const { running } = scaling?.attempt ?? {};
  const isSame = running?.key.startsWith(`${jobId}/`) === true;
  const samples = isSame ? ofAttempt(scaling!.history.samples, running.sinceMs) : [];
  return isLagGrowing(samples) ?? ageMs < patienceMs;
}

export interface LagQuestion {
  /** Of Flink. */
  readonly jobId: string;
  /** For how long the attempt has been seen. */
  readonly ageMs: number;
  readonly isScaled: boolean;
}
