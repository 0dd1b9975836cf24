/**
 * The promise's result, or the signal's reason as soon as it aborts: also when whoever works on the promise
 * ignores the signal.
 */
export function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {}); // Nobody else may be waiting for it.
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const done = () => signal.removeEventListener('abort', abort);
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}

/** Reads a stream, each step with `until`: one that hangs ends with the signal. */
export async function* streamUntil<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  let ended = false;
  try {
    while (true) {
      const next = await until(iterator.next(), signal);
      if (next.done) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A stream that hangs in `next` would hang in `return` as well.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
