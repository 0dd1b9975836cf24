/**
 * Runs work, and yields how far it is whenever it says that this has changed, as often as the reader keeps up, and at
 * its end. When the reader stops the work is not waited for: whoever reads aborts it.
 */
export async function* reportProgress<T>(
  work: (onProgress: () => void) => Promise<void>,
  progress: () => T,
): AsyncGenerator<T> {
  let changed = Promise.withResolvers<'changed'>();
  const ending = work(() => changed.resolve('changed')).then(
    () => 'ended' as const,
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const outcome = await Promise.race([ending, changed.promise]);
    if (typeof outcome === 'object') throw outcome.error;
    changed = Promise.withResolvers(); // Before the yield: nothing that happens during it is missed.
    yield progress();
    if (outcome === 'ended') return;
  }
}
