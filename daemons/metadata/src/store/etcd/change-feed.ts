import { isTesseraError, messageOf } from '@tessera/base';
import { PutRequest } from '../../gen/etcd.ts';
import { RecentChanges } from '../recent-changes.ts';
import { AttemptFailed, type EtcdCluster } from './cluster.ts';
import type { Keyspace } from './keyspace.ts';
import { toRows } from './messages.ts';
import { backoff } from './options.ts';
import { Compacted, followChanges, type WatchPart } from './watch-stream.ts';

/**
 * One watch of etcd for all watchers of a store, resumed wherever it broke off. What it has seen lately
 * stays in memory.
 */
export class ChangeFeed {
  readonly recent: RecentChanges;
  readonly #cluster: EtcdCluster;
  readonly #keyspace: Keyspace;
  readonly #newest: () => Promise<bigint>;
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;
  #failure: unknown;
  #barrier: Promise<void> | undefined;

  /** Follows from the revision after `revision` on. `newest` asks etcd for its newest revision. */
  constructor(
    cluster: EtcdCluster,
    keyspace: Keyspace,
    start: { readonly revision: bigint; readonly newest: () => Promise<bigint> },
  ) {
    this.#cluster = cluster;
    this.#keyspace = keyspace;
    this.#newest = start.newest;
    this.recent = new RecentChanges(start.revision);
    this.#running = this.#run();
  }

  /** @throws what keeps the feed from going on: another etcd behind the endpoints, or no permission. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when every change up to a revision has been seen, or the signal aborts. */
  async reach(revision: bigint, signal: AbortSignal): Promise<void> {
    while (this.recent.revision < revision && !signal.aborted) {
      this.check();
      const waited = new AbortController();
      const { clock, timing } = this.#cluster;
      const ended = AbortSignal.any([signal, waited.signal, this.#ended.signal]);
      const late = clock.sleep(timing.barrierMs, ended).then(
        () => true,
        () => false,
      );
      const changed = this.recent.changed(ended).then(() => false);
      if (this.recent.revision >= revision) waited.abort();
      const isLate = await Promise.race([late, changed]);
      waited.abort();
      this.#cluster.checkOpen();
      if (isLate) await this.barrier();
    }
  }

  /**
   * Makes a change that every watch of the store's keys sees. Needed when the newest revision belongs to
   * somebody else's keys in the same etcd: nothing else tells a watch that it has seen all of its own before.
   */
  barrier(): Promise<void> {
    const message = PutRequest.fromPartial({ key: this.#keyspace.barrier });
    this.#barrier ??= this.#cluster
      .call(({ kv }, options) => kv.put(message, options))
      .then(
        () => undefined,
        // Whoever waits looks again; while etcd is away there is nothing to see.
        () => undefined,
      )
      .finally(() => {
        this.#barrier = undefined;
      });
    return this.#barrier;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.recent.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs: number = backoff.firstMs;
    while (!this.#ended.signal.aborted) {
      const before = this.recent.revision;
      try {
        await followChanges(this.#cluster, this.#keyspace, {
          from: before + 1n,
          signal: this.#ended.signal,
          part: (part) => this.#add(part),
        });
      } catch (error) {
        if (this.#ended.signal.aborted || isTesseraError(error, 'STORE_CLOSED')) return;
        if (error instanceof Compacted) await this.#skip().catch(() => undefined);
        else if (!(error instanceof AttemptFailed)) this.#fail(error);
        waitMs =
          this.recent.revision > before ? backoff.firstMs : Math.min(2 * waitMs, backoff.lastMs);
        await this.#cluster.pause(waitMs).catch(() => undefined);
      }
    }
  }

  #add({ events, through }: WatchPart): void {
    this.#failure = undefined;
    if (through !== undefined) this.recent.add(through, toRows(this.#keyspace, events));
  }

  /** What was missed is compacted: watchers that had not seen it are told when they ask for it. */
  async #skip(): Promise<void> {
    this.recent.skipTo(await this.#newest());
  }

  /** Watchers are told, and may come again: somebody may set right what is wrong. */
  #fail(error: unknown): void {
    this.#failure = isTesseraError(error) ? error : new Error(messageOf(error), { cause: error });
    this.recent.wake();
  }
}
