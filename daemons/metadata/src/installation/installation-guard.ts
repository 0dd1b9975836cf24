import { type Clock, isTesseraError, type KeyValueStore, prefixRange } from '@tessera/base';
import type { InstallationNote, Logger } from '@tessera/daemon';
import { guardedStore } from './guarded-store.ts';
import { decodeInstallation, installationKey } from './installation.ts';
import { findInstallation, openInstallation } from './open-installation.ts';

/** After the record could not be followed. */
const retryMs = 1_000;

export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: () => string;
  /** Absent: any installation is served. */
  readonly note?: InstallationNote | undefined;
}

/**
 * Sees to it that a daemon serves the installation that it belongs to, in a format that it knows: before it begins, and
 * while it runs. A restore gives the store the installation of its backup, which is then noted; once a newer version has
 * raised the format, an older daemon reads and writes nothing any more.
 */
export class InstallationGuard implements Disposable {
  readonly store: KeyValueStore;
  readonly #options: GuardOptions;
  readonly #ended = new AbortController();
  #failure: unknown;

  /** @throws INSTALLATION_MISMATCH, INSTALLATION_NOTE_UNUSABLE, CATALOG_NEWER, INSTALLATION_UNREADABLE; the store is left open. */
  static async open(store: KeyValueStore, options: GuardOptions): Promise<InstallationGuard> {
    const { note, newId } = options;
    const found = await findInstallation(store);
    // A store that has lost everything is as wrong as one of somebody else.
    if (found !== undefined || note?.isWritten) note?.require(found?.id ?? '');
    const { id } = found ?? (await openInstallation(store, newId));
    note?.require(id);
    return new InstallationGuard(store, options);
  }

  private constructor(store: KeyValueStore, options: GuardOptions) {
    this.#options = options;
    this.store = guardedStore(store, () => {
      if (this.#failure !== undefined) throw this.#failure;
    });
    void this.#follow(store);
  }

  /** What it still waits for ends with the store. */
  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #follow(store: KeyValueStore): Promise<void> {
    const { signal } = this.#ended;
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        const { entry, revision } = await store.get(installationKey);
        if (entry !== undefined) this.#see(entry.value);
        const from = { startRevision: revision + 1n, signal };
        for await (const { events } of store.watch(prefixRange(installationKey), from)) {
          for (const event of events) if (event.kind === 'put') this.#see(event.entry.value);
        }
      } catch (error) {
        if (isTesseraError(error, 'STORE_CLOSED')) return;
      }
      await clock.sleep(retryMs, signal).catch(() => {});
    }
  }

  #see(value: Uint8Array): void {
    const { log } = this.#options;
    try {
      const { id } = decodeInstallation(value);
      this.#failure = undefined;
      this.#note(id);
    } catch (error) {
      this.#failure = error;
      log.error({ error: String(error) }, 'installation.refused');
    }
  }

  /** What cannot be noted now is found to be another one at the next start, and set right there. */
  #note(id: string): void {
    const { note, log } = this.#options;
    try {
      note?.write(id);
    } catch (error) {
      log.error({ error: String(error) }, 'installation.not-noted');
    }
  }
}
