import { type Clock, isTesseraError } from '@tessera/base';
import type { Logger } from '@tessera/daemon';

/** After a watch has broken off for good. */
const pauseMs = 1_000;

/** Starts over for ever: a metadata daemon that is away longer than a watch waits is no reason to end. */
export async function forever(
  follow: () => Promise<void>,
  parts: {
    readonly collection: string;
    readonly clock: Clock;
    readonly log: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { collection, clock, log, signal } = parts;
  while (!signal.aborted) {
    try {
      await follow();
    } catch (error) {
      if (signal.aborted) return;
      const reason = isTesseraError(error) ? error.reason : String(error);
      log.warn({ collection, reason }, 'metadata.watch.failed');
      await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }
}
