import { hasSize, type JobSize } from '@tessera/flink';
import type { RescaleInFlight } from '@tessera/scaling';
import type { RunningAttempt } from './track-attempt.ts';

/** How long a rescale may be on its way before the job is taken as it is. */
const patienceMs = 180_000;

/** Where a job is on its way to the size that is wanted of it. */
export type Way =
  | { readonly kind: 'there' }
  | { readonly kind: 'going'; readonly inFlight: RescaleInFlight }
  | { readonly kind: 'stalled'; readonly inFlight: RescaleInFlight };

/** @param before what was on its way when it was looked at last */
export function wayTo(
  wanted: JobSize | undefined,
  { parallelism }: RunningAttempt,
  before: RescaleInFlight | undefined,
  nowMs: number,
): Way {
  if (wanted === undefined || hasSize(parallelism, wanted)) return { kind: 'there' };
  const to = wanted.parallelism;
  const isSame = before !== undefined && hasSize(before.to, wanted);
  const inFlight = isSame ? before : { startedMs: nowMs, to };
  return { kind: nowMs - inFlight.startedMs > patienceMs ? 'stalled' : 'going', inFlight };
}
