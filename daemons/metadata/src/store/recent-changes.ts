import { inRange } from '@tessera/base';
import type { Changes } from './backend.ts';
import type { ChangesRequest, Row } from './history.ts';

/** What is kept in memory for watchers that are nearly up to date. It may grow to twice that before it is cut. */
export const recentLimits = { rows: 4096, bytes: 16 * 1024 * 1024 } as const;

/**
 * The newest changes, so that a watcher that keeps up never asks the disk; one that falls behind reads
 * the history at its own pace instead of having a queue grow for it.
 */
export class RecentChanges {
  #rows: Row[] = [];
  #bytes = 0;
  /** The oldest revision all of whose changes are in `#rows`. */
  #from: bigint;
  #revision: bigint;
  readonly #waiting = new Set<() => void>();

  constructor(revision: bigint) {
    this.#revision = revision;
    this.#from = revision + 1n;
  }

  get revision(): bigint {
    return this.#revision;
  }

  add(revision: bigint, rows: readonly Row[]): void {
    if (revision <= this.#revision) return;
    this.#rows.push(...rows);
    this.#revision = revision;
    this.#bytes += bytesOf(rows);
    if (this.#rows.length > 2 * recentLimits.rows || this.#bytes > 2 * recentLimits.bytes) {
      this.#trim();
    }
    this.wake();
  }

  /** Goes on from a later revision without the changes up to it: they are only in the history, if anywhere. */
  skipTo(revision: bigint): void {
    if (revision <= this.#revision) return;
    this.#rows = [];
    this.#bytes = 0;
    this.#from = revision + 1n;
    this.#revision = revision;
    this.wake();
  }

  /** What is asked for, or `undefined` when some of it is only in the history. */
  read({ range, from, through }: ChangesRequest): Changes | undefined {
    if (from < this.#from) return undefined;
    const rows: Row[] = [];
    for (let i = this.#rows.length - 1; i >= 0 && this.#rows[i]!.modRevision >= from; i--) {
      const row = this.#rows[i]!;
      if (row.modRevision <= through && inRange(row.key, range)) rows.push(row);
    }
    return { rows: rows.reverse(), through };
  }

  /** Resolves at the next change, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Drops the oldest revisions until both limits hold; the newest one may have to go too. */
  #trim(): void {
    let rows = 0;
    let bytes = 0;
    const cut = this.#rows.findLast((row) => {
      rows += 1;
      bytes += sizeOf(row);
      return rows > recentLimits.rows || bytes > recentLimits.bytes;
    });
    if (cut === undefined) return;
    this.#rows = this.#rows.filter((row) => row.modRevision > cut.modRevision);
    this.#bytes = bytesOf(this.#rows);
    this.#from = cut.modRevision + 1n;
  }
}

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + sizeOf(row), 0);
}

function sizeOf({ key, value }: Row): number {
  return key.length + (value?.byteLength ?? 0);
}
