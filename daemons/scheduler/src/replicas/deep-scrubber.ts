import { type Clock, isTesseraError, messageOf } from '@tessera/base';
import { type Logger, withDeadline } from '@tessera/daemon';
import type { storage } from '@tessera/proto';
import { type DeepRound, deepReader, lostInDeep, nextDeepBatch } from './deep-round.ts';
import type { NodeClient } from './node-clients.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';

export interface DeepScrubberOptions {
  /** From the end of one round to the beginning of the next; 0: there are none. */
  readonly intervalMs: number;
  /** The digest after which rounds begin. */
  readonly start: string;
  /** What is known now; absent: not yet. */
  readonly seen: () => DeepSeen | undefined;
  readonly clientOf: (node: string) => NodeClient;
  /** Nodes that have no deep storage; those that say so are added. */
  readonly withoutDeep: Set<string>;
  /** Writes down that an item is in deep storage no more. False when it has to be tried again. */
  readonly recordLost: (item: StoredItem) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface DeepSeen {
  readonly items: readonly StoredItem[];
  readonly nodes: readonly SeenNode[];
}

/** Until it is looked again whether somebody can read, and until a record is tried again. */
const pauseMs = 5_000;
/** A node that has failed is not asked again for so long. */
const failedPauseMs = 60_000;
/** A scrub of which nothing is heard for so long has failed. */
const stallMs = 120_000;

/**
 * Has deep storage read again, round after round, by one storage node at a time. What is damaged or missing there leaves the
 * record; it is stored again by whoever sees to it that everything is in deep storage.
 */
export class DeepScrubber {
  readonly #options: DeepScrubberOptions;
  readonly #signal: AbortSignal;
  readonly #failedUntilMs = new Map<string, number>();

  constructor(options: DeepScrubberOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { intervalMs, start } = this.#options;
    if (intervalMs === 0) return;
    let round: DeepRound = { start };
    while (!this.#signal.aborted) {
      const next = await this.#step(round);
      if (next === 'over') round = { start };
      if (typeof next === 'object') round = next;
      else await this.#sleep(next === 'over' ? intervalMs : pauseMs);
    }
  }

  /** Reads some more of a round. `later`: nobody can, or it failed. */
  async #step(round: DeepRound): Promise<DeepRound | 'over' | 'later'> {
    const { seen, withoutDeep, clock } = this.#options;
    const now = seen();
    if (now === undefined) return 'later';
    const batch = nextDeepBatch(now.items, round);
    if (batch.digests.length === 0) return 'over';
    const hasFailed = (id: string) => (this.#failedUntilMs.get(id) ?? 0) > clock.monotonicMs();
    const node = deepReader(now.nodes, (id) => withoutDeep.has(id) || hasFailed(id));
    if (node === undefined) return 'later';
    const found = await this.#scrub(node, batch.digests);
    if (found === undefined) return 'later';
    await this.#forget([...found.damagedDigests, ...found.missingDigests]);
    return batch.round;
  }

  /** What a node found; nothing when it could not be asked. */
  async #scrub(
    node: string,
    fileDigests: readonly string[],
  ): Promise<storage.ScrubDeepResponse | undefined> {
    const { withoutDeep, clock, log } = this.#options;
    try {
      return await this.#lastReport(node, fileDigests);
    } catch (error) {
      if (this.#signal.aborted) return undefined;
      if (isTesseraError(error, 'DEEP_STORAGE_NOT_CONFIGURED')) withoutDeep.add(node);
      else log.warn({ node, error: messageOf(error) }, 'deep-scrub.failed');
      this.#failedUntilMs.set(node, clock.monotonicMs() + failedPauseMs);
      return undefined;
    }
  }

  async #lastReport(
    node: string,
    fileDigests: readonly string[],
  ): Promise<storage.ScrubDeepResponse | undefined> {
    const { clientOf, clock } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([this.#signal, ended.signal]);
    const parent = this.#signal;
    const on = { what: 'reading deep storage', reason: 'SCRUB_STALLED', parent, clock };
    try {
      const reports = clientOf(node)
        .transfers.scrubDeep({ fileDigests: [...fileDigests] }, { signal })
        [Symbol.asyncIterator]();
      let last: storage.ScrubDeepResponse | undefined;
      for (;;) {
        const next = await withDeadline(stallMs, () => reports.next(), on);
        if (next.done) return last;
        last = next.value;
      }
    } finally {
      ended.abort();
    }
  }

  async #forget(digests: readonly string[]): Promise<void> {
    const { seen, log } = this.#options;
    if (digests.length === 0) return;
    log.warn({ digests: digests.join(' ') }, 'deep-scrub.lost');
    for (const item of lostInDeep(seen()?.items ?? [], new Set(digests))) {
      while (!this.#signal.aborted && !(await this.#record(item))) {
        await this.#sleep(pauseMs);
      }
    }
  }

  async #record(item: StoredItem): Promise<boolean> {
    const { recordLost, log } = this.#options;
    try {
      return await recordLost(item);
    } catch (error) {
      if (this.#signal.aborted) return false;
      log.warn({ item: item.name, error: messageOf(error) }, 'deep-scrub.failed');
      return false;
    }
  }

  #sleep(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, this.#signal).catch(() => {});
  }
}
