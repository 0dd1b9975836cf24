import { type Clock, messageOf } from '@tessera/base';
import { failureName, isRetryable } from './failures.ts';

const retryMs = 100;

/**
 * Looks again and again until nothing is found that is not as it should be.
 * @param find what is not; failing in a way that may be retried counts as one thing
 * @returns what was left when the time was over
 */
export async function untilWell(
  find: () => Promise<readonly string[]>,
  { deadline, clock }: { readonly deadline: AbortSignal; readonly clock: Clock },
): Promise<readonly string[]> {
  let found: readonly string[] = [];
  for (;;) {
    found = await find().catch((error: unknown) => {
      // Cut off in the middle of a look: what the one before has found is what is left.
      if (deadline.aborted) return [...found, `a look that was cut off: ${messageOf(error)}`];
      if (!isRetryable(error)) throw error;
      return [`still fails: ${failureName(error)}: ${messageOf(error)}`];
    });
    if (found.length === 0 || deadline.aborted) return found;
    await clock.sleep(retryMs);
  }
}
