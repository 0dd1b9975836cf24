import { isTesseraError } from '@tessera/base';
import { queryCancelled } from './errors.ts';

/** An interrupt that comes before the statement has started is forgotten by DuckDB, so it is sent again. */
const repeatMs = 5;

/**
 * Runs one step of a statement on a connection. When the signal aborts, `interrupt` is sent until the step has
 * ended, and never after: a later statement on the same connection is not touched.
 *
 * @throws the signal's reason when that is a `TesseraError`, else QUERY_CANCELLED; only after the step has ended.
 */
export async function interruptible<T>(
  signal: AbortSignal | undefined,
  interrupt: () => void,
  step: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return step();
  if (signal.aborted) throw cancelledBy(signal);
  let repeat: NodeJS.Timeout | undefined;
  const onAbort = () => {
    interrupt();
    repeat = setInterval(interrupt, repeatMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await step();
  } catch (error) {
    throw signal.aborted ? cancelledBy(signal) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearInterval(repeat);
  }
}

/** What a caller that gave up gets: its own reason when that is one of ours, such as a deadline. */
export function cancelledBy(signal: AbortSignal): Error {
  return isTesseraError(signal.reason) ? signal.reason : queryCancelled(signal.reason);
}
