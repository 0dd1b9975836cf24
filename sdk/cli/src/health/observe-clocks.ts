import type { Clock } from '@tessera/base';
import type { Timestamp } from '@tessera/proto';

/** A call that took longer says too little about when it was answered. */
const longestMs = 4_000;

/**
 * How far the clock of whoever answers a call is ahead of ours: he read it at some time between our asking and our
 * hearing, so this is right to half of what the call took. `undefined`: he does not tell, or it took too long.
 */
export async function aheadOfUs<T>(
  call: Promise<T>,
  timeOf: (answer: T) => Timestamp | undefined,
  clock: Clock,
): Promise<{ readonly answer: T; readonly aheadMs: number | undefined }> {
  const askedMs = clock.monotonicMs();
  const answer = await call;
  const tookMs = clock.monotonicMs() - askedMs;
  const time = timeOf(answer);
  if (time === undefined || tookMs > longestMs) return { answer, aheadMs: undefined };
  const ourMs = Number(clock.now() / 1000n) - tookMs / 2;
  return { answer, aheadMs: Number(time.seconds) * 1000 + time.nanos / 1_000_000 - ourMs };
}
