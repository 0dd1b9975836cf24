import { type Clock, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { FileStore } from '../files/file-store.ts';
import { parseStoredPath } from '../files/stored-path.ts';
import type { Transfers } from '../transfer/transfers.ts';
import type { FileOwners } from './file-owners.ts';

export interface MenderParts {
  readonly files: FileStore;
  readonly transfers: Transfers;
  readonly owners: FileOwners;
  /** How often quarantine is looked through: a file that could not be mended may be another time. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onMended: () => void;
}

/** Replaces what is in quarantine, whoever set it aside, by whole copies from other daemons or deep storage. */
export class Mender implements AsyncDisposable {
  readonly #parts: MenderParts;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #woken = Promise.withResolvers<void>();
  #mendedFiles = 0;

  constructor(parts: MenderParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  get mendedFiles(): number {
    return this.#mendedFiles;
  }

  /** Looks through quarantine soon, as something was set aside. */
  wake(): void {
    this.#woken.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { files, log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers();
      const quarantined = await files.listQuarantined().catch((error) => {
        log.warn({ error: messageOf(error) }, 'mend.failed');
        return [];
      });
      for (const { path } of quarantined) await this.#tryToMend(path);
      await this.#rest();
    }
  }

  async #tryToMend(file: string): Promise<void> {
    const { log, onMended } = this.#parts;
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    try {
      if (!(await this.#mend(file))) return;
      this.#mendedFiles++;
      log.info({ file }, 'mend.mended');
      onMended();
    } catch (error) {
      if (!signal.aborted) log.warn({ file, error: messageOf(error) }, 'mend.failed');
    }
  }

  /** False when nobody misses the file. */
  async #mend(file: string): Promise<boolean> {
    const { transfers, owners } = this.#parts;
    const { signal } = this.#stopping;
    const name = parseStoredPath(file);
    if (name === undefined) return false;
    const addresses = await owners.addressesOf(file, signal);
    if (addresses === undefined) return false;
    if (addresses.length === 0 && !transfers.hasDeepStorage) return false;
    await transfers.pull([{ file, fileDigest: name.fileDigest }], addresses, { signal });
    return true;
  }

  async #rest(): Promise<void> {
    const { clock, intervalMs } = this.#parts;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopping.signal]);
    const slept = clock.sleep(intervalMs, signal).catch(() => {});
    await Promise.race([slept, this.#woken.promise]);
    over.abort();
  }
}
