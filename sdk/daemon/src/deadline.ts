import { type Clock, Code, systemClock, TesseraError } from '@tessera/base';

/**
 * Runs `work` with a signal that is aborted after `timeoutMs` (or when `parent` is), and does not wait for work
 * that ignores it.
 * @throws DEADLINE_EXCEEDED with `reason` when the time is over.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  on: {
    readonly what: string;
    readonly reason: string;
    readonly parent?: AbortSignal;
    readonly clock?: Clock;
  },
): Promise<T> {
  const control = new AbortController();
  const done = new AbortController();
  const signal = on.parent ? AbortSignal.any([control.signal, on.parent]) : control.signal;
  let giveUp: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
  const expire = () => control.abort(deadlineExceeded(timeoutMs, on));
  (on.clock ?? systemClock).sleep(timeoutMs, done.signal).then(expire, () => {});
  try {
    return await Promise.race([work(signal), ended]);
  } finally {
    done.abort('done'); // With a reason: without one an error is made of it, which costs more than all else here.
    signal.removeEventListener('abort', giveUp!);
  }
}

function deadlineExceeded(
  timeoutMs: number,
  on: { readonly what: string; readonly reason: string },
): TesseraError {
  return new TesseraError({
    code: Code.DEADLINE_EXCEEDED,
    reason: on.reason,
    message: `Gave up ${on.what} after ${timeoutMs} ms.`,
    metadata: { timeoutMs: String(timeoutMs) },
  });
}
