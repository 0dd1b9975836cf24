/** The items of a stream, which ends when it does or the signal aborts, whichever is first. */
export async function* whileWanted<T>(
  items: AsyncIterable<T>,
  unwanted: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  const end = Promise.withResolvers<{ readonly done: true }>();
  const stop = () => end.resolve({ done: true });
  if (unwanted.aborted) stop();
  unwanted.addEventListener('abort', stop, { once: true });
  try {
    while (true) {
      const step = await Promise.race([end.promise, iterator.next()]);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    unwanted.removeEventListener('abort', stop);
    // Not waited for: a stream of which nothing comes would hang in it.
    void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
