import type { KeyRange } from '@tessera/base';
import { inRange } from '@tessera/base';
import { compacted } from '../../errors.ts';
import type { Changes } from '../backend.ts';
import type { ChangesRequest, Row } from '../history.ts';
import { AttemptFailed, type EtcdCluster } from './cluster.ts';
import type { Keyspace } from './keyspace.ts';
import { toRows } from './messages.ts';
import { Compacted, followChanges } from './watch-stream.ts';

/** Parts that are read ahead of a watcher; a whole revision is one part, however large. */
const aheadParts = 4;

/**
 * Reads the past for one watcher that is behind: a watch of its own, which etcd sends no faster than the
 * watcher takes it. It stays open from one read to the next.
 */
export class HistoryReader implements AsyncDisposable {
  readonly #cluster: EtcdCluster;
  readonly #keyspace: Keyspace;
  readonly #barrier: () => Promise<void>;
  #open: OpenHistory | undefined;

  constructor(cluster: EtcdCluster, keyspace: Keyspace, barrier: () => Promise<void>) {
    this.#cluster = cluster;
    this.#keyspace = keyspace;
    this.#barrier = barrier;
  }

  /** @throws OUT_OF_RANGE REVISION_COMPACTED; ETCD_UNAVAILABLE. */
  async read({ range, from }: ChangesRequest, signal: AbortSignal): Promise<Changes> {
    const turns = this.#cluster.turns();
    for (;;) {
      if (this.#open?.next !== from) {
        await this.#close();
        this.#open = new OpenHistory(this.#cluster, this.#keyspace, from);
      }
      try {
        return await this.#next(this.#open, range, signal);
      } catch (error) {
        await this.#close();
        if (error instanceof Compacted) throw compacted(from, error.compactRevision);
        if (!(error instanceof AttemptFailed) || !('detail' in error.failure)) throw error;
        await turns.next(error.failure);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #next(open: OpenHistory, range: KeyRange, signal: AbortSignal): Promise<Changes> {
    while (!signal.aborted) {
      const part = await open.take(signal, this.#cluster.timing.barrierMs);
      if (part === undefined) await this.#barrier();
      else
        return { rows: part.rows.filter((row) => inRange(row.key, range)), through: part.through };
    }
    return { rows: [], through: open.next - 1n };
  }

  async #close(): Promise<void> {
    await this.#open?.close();
    this.#open = undefined;
  }
}

interface Part {
  readonly rows: readonly Row[];
  readonly through: bigint;
}

class OpenHistory {
  /** The revision that the next part starts from. */
  next: bigint;
  readonly #cluster: EtcdCluster;
  readonly #ended = new AbortController();
  readonly #parts: Part[] = [];
  readonly #running: Promise<void>;
  #failure: unknown;
  #changed = Promise.withResolvers<void>();

  constructor(cluster: EtcdCluster, keyspace: Keyspace, from: bigint) {
    this.next = from;
    this.#cluster = cluster;
    this.#running = this.#run(keyspace, from);
  }

  /** `undefined` when nothing came for so long, or the signal aborted. */
  async take(signal: AbortSignal, patienceMs: number): Promise<Part | undefined> {
    if (this.#parts.length === 0 && this.#failure === undefined) {
      const done = new AbortController();
      const ended = AbortSignal.any([signal, done.signal]);
      const late = this.#cluster.clock.sleep(patienceMs, ended).catch(() => undefined);
      await Promise.race([this.#changed.promise, late]);
      done.abort();
    }
    const part = this.#parts.shift();
    if (part === undefined && this.#failure !== undefined) throw this.#failure;
    if (part !== undefined) this.next = part.through + 1n;
    this.#signalChange();
    return part;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#signalChange();
    await this.#running;
  }

  async #run(keyspace: Keyspace, from: bigint): Promise<void> {
    try {
      await followChanges(this.#cluster, keyspace, {
        from,
        signal: this.#ended.signal,
        part: async ({ events, through }) => {
          if (through === undefined) return;
          this.#parts.push({ rows: toRows(keyspace, events), through });
          this.#signalChange();
          while (this.#parts.length > aheadParts && !this.#ended.signal.aborted) {
            await this.#changed.promise;
          }
        },
      });
    } catch (error) {
      this.#failure = error;
      this.#signalChange();
    }
  }

  #signalChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
