import { createHash } from 'node:crypto';
import { type Clock, isTesseraError, messageOf, resourceIdOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { SchedulerClients } from '../clients.ts';
import type { SchedulerConfig } from '../config.ts';
import { Catalog } from './catalog.ts';
import { type Copy, decideReplicas, type ReplicasDecision } from './decide.ts';
import { DeepScrubber } from './deep-scrubber.ts';
import { filesToWarm } from './items.ts';
import type { NodeClient } from './node-clients.ts';
import { type NodesSeen, NodeWatch } from './node-watch.ts';
import { pullFiles } from './pull.ts';
import { type Holding, recordHolding } from './record.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';
import type { UnderWay } from './under-way.ts';

export interface ReplicationOptions {
  /** What changes something does so by the term. */
  readonly clients: SchedulerClients;
  readonly clientAt: (address: string) => NodeClient;
  readonly underWay: UnderWay;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: ReplicationConfig;
}

export type ReplicationConfig = Pick<
  SchedulerConfig,
  | 'deepScrubIntervalMs'
  | 'maxReplicaCopies'
  | 'replicaBytesUnderWay'
  | 'replicaCheckIntervalMs'
  | 'replicaIntervalMs'
  | 'replication'
  | 'storageLostAfterMs'
>;

/** After a copy has failed the same one is not tried again for so long. */
const failedPauseMs = 10_000;
/** Records that are written between two looks; the rest waits. */
const maxRecords = 1_000;
/** Tries of one record, each on top of what was written meanwhile. */
const recordTries = 3;

/**
 * Keeps every item where it shall be until the signal: looks at nodes and records, decides, and carries out. It remembers
 * nothing that must last; the next leader finds what was done in the records, and what was half done on the nodes.
 */
export async function runReplication(
  options: ReplicationOptions,
  signal: AbortSignal,
): Promise<void> {
  if (options.config.replicaIntervalMs === 0) return;
  await new ReplicaKeeper(options, signal).run();
}

class ReplicaKeeper {
  readonly #options: ReplicationOptions;
  readonly #signal: AbortSignal;
  readonly #catalog: Catalog;
  readonly #watch: NodeWatch;
  readonly #works = new Set<Promise<void>>();
  /** By item and node: until when it is not tried again. */
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #withoutDeep = new Set<string>();
  /** As of the last look; none before the first. */
  #nodes: readonly SeenNode[] = [];
  /** What was looked at when there was nothing to do. */
  #quiet = '';
  #wake = new AbortController();

  constructor(options: ReplicationOptions, signal: AbortSignal) {
    const { clients, clock, log, config } = options;
    this.#options = options;
    this.#signal = signal;
    const { replication, storageLostAfterMs: lostAfterMs } = config;
    this.#catalog = new Catalog({ clients, clock, log, replication });
    const checkIntervalMs = config.replicaCheckIntervalMs;
    this.#watch = new NodeWatch({ ...options, lostAfterMs, checkIntervalMs });
  }

  async run(): Promise<void> {
    const { clock, log, config } = this.#options;
    const signal = this.#signal;
    const following = this.#catalog.run(signal);
    const scrubbing = this.#deepScrubber().run();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const woken = AbortSignal.any([this.#wake.signal, signal]);
      const startedMs = clock.monotonicMs();
      try {
        if (this.#catalog.isListed) await this.#pass();
      } catch (error) {
        if (!signal.aborted) log.warn({ error: messageOf(error) }, 'replicas.pass-failed');
      }
      // Every copy that ends asks for another pass: where one takes long, other work of the leader gets half of the time.
      await clock.sleep(clock.monotonicMs() - startedMs, signal).catch(() => {});
      await clock.sleep(config.replicaIntervalMs, woken).catch(() => {});
    }
    await Promise.all([following, scrubbing, ...this.#works]);
  }

  async #pass(): Promise<void> {
    const { underWay, config } = this.#options;
    const resources = this.#catalog.nodes.all;
    if (resources.length === 0) return;
    const items = [...this.#catalog.items.values()];
    const seen = await this.#watch.look(resources, items, this.#signal);
    this.#nodes = seen.nodes;
    const looked = this.#fingerprint(seen);
    if (looked === this.#quiet) return;
    const bytes = config.replicaBytesUnderWay;
    const decision = decideReplicas({
      ...seen,
      items,
      underWay: underWay.copies,
      withoutDeep: this.#withoutDeep,
      limits: { inboundBytes: bytes, outboundBytes: bytes, deepBytes: bytes },
    });
    if (isNothing(decision) && underWay.count === 0) this.#quiet = looked;
    await this.#record(decision);
    this.#begin(decision);
  }

  #fingerprint({ nodes, lacking, found }: NodesSeen): string {
    const lacks = [...lacking].map(([node, items]) => [node, items.size]);
    const busy = this.#options.underWay.count;
    const version = this.#catalog.version;
    return JSON.stringify([version, nodes, lacks, found.size, busy, this.#withoutDeep.size]);
  }

  async #record({ records }: ReplicasDecision): Promise<void> {
    for (const { item, replicas } of records.slice(0, maxRecords)) {
      this.#signal.throwIfAborted();
      const found = this.#catalog.items.get(item);
      if (found === undefined) continue;
      const { clients, log } = this.#options;
      const { inDeepStorage } = found;
      const written = await recordHolding(clients, this.#catalog, found, {
        replicas,
        inDeepStorage,
      });
      if (written) log.info({ item, replicas: replicas.join(' ') }, 'replicas.recorded');
    }
  }

  /** As much as may go on at once; the most urgent is first. */
  #begin({ adoptions, copies, uploads }: ReplicasDecision): void {
    const { underWay, config } = this.#options;
    const kept = adoptions.map(({ item, node }) => ({ item, to: node }));
    for (const copy of [...kept, ...copies]) {
      if (underWay.count >= config.maxReplicaCopies) return;
      this.#start(copy, (item) => this.#copy(copy, item));
    }
    for (const { item, node } of uploads) {
      if (underWay.count >= config.maxReplicaCopies) return;
      this.#start({ item, to: node }, (found) => this.#upload(node, found));
    }
  }

  #start(copy: Copy, work: (item: StoredItem) => Promise<void>): void {
    const { underWay, clock, log } = this.#options;
    const { item: name, to: node } = copy;
    const item = this.#catalog.items.get(name);
    const key = `${name} ${node}`;
    const untilMs = this.#pausedUntilMs.get(key) ?? 0;
    if (item === undefined || underWay.has(name, node) || untilMs > clock.monotonicMs()) return;
    this.#pausedUntilMs.delete(key);
    const ended = underWay.begin(copy, item.files);
    const done = work(item)
      .catch((error) => {
        if (this.#signal.aborted) return;
        this.#pausedUntilMs.set(key, clock.monotonicMs() + failedPauseMs);
        log.warn({ item: name, node, error: messageOf(error) }, 'replicas.copy-failed');
      })
      .finally(() => {
        ended();
        this.#works.delete(done);
        this.#wake.abort();
      });
    this.#works.add(done);
  }

  async #copy({ from, to }: Copy, item: StoredItem): Promise<void> {
    const { clientAt, clock, log } = this.#options;
    const segment = this.#catalog.segments.find(item.name);
    const others = item.recorded.filter((node) => node !== to && node !== from);
    const sources = [...(from === undefined ? [] : [from]), ...others];
    await pullFiles(clientAt(this.#addressOf(to)), {
      files: item.files,
      sources: sources.map((node) => this.#addressOf(node)).filter((address) => address !== ''),
      toWarm: segment === undefined ? [] : filesToWarm(segment),
      clock,
      signal: this.#signal,
    });
    this.#watch.taken(to, item.files);
    await this.#add(item, ({ recorded, inDeepStorage }) => ({
      replicas: [...new Set([...recorded, to])].sort(),
      inDeepStorage,
    }));
    log.info({ item: item.name, node: to, from: from ?? '' }, 'replicas.copied');
  }

  async #upload(node: string, item: StoredItem): Promise<void> {
    const { clientAt } = this.#options;
    const files = item.files.map(({ file }) => file);
    const request = { files };
    const { transfers } = clientAt(this.#addressOf(node));
    try {
      for await (const _ of transfers.storeDeep(request, { signal: this.#signal }));
    } catch (error) {
      if (!isTesseraError(error, 'DEEP_STORAGE_NOT_CONFIGURED')) throw error;
      this.#withoutDeep.add(node);
      return;
    }
    await this.#add(item, ({ recorded }) => ({ replicas: recorded, inDeepStorage: true }));
  }

  #deepScrubber(): DeepScrubber {
    const { clientAt, clock, log, config } = this.#options;
    const options = {
      intervalMs: config.deepScrubIntervalMs,
      start: createHash('sha256').update(`${clock.now()}`).digest('hex'), // Anywhere.
      seen: () =>
        this.#catalog.isListed && this.#nodes.length > 0
          ? { items: [...this.#catalog.items.values()], nodes: this.#nodes }
          : undefined,
      clientOf: (node: string) => clientAt(this.#addressOf(node)),
      withoutDeep: this.#withoutDeep,
      recordLost: (item: StoredItem) =>
        this.#add(item, ({ recorded }) => ({ replicas: recorded, inDeepStorage: false })),
      ...{ clock, log },
    };
    return new DeepScrubber(options, this.#signal);
  }

  /**
   * Writes what has come to be of an item, unless it has got other files meanwhile. False when others wrote it each time
   * before this did.
   */
  async #add(item: StoredItem, change: (now: StoredItem) => Holding): Promise<boolean> {
    for (let i = 0; i < recordTries; i++) {
      const now = this.#catalog.items.get(item.name);
      if (now === undefined || filesKey(now) !== filesKey(item)) return true;
      const wanted = change(now);
      const isRecorded =
        wanted.inDeepStorage === now.inDeepStorage &&
        wanted.replicas.length === now.recorded.length;
      if (isRecorded) return true;
      if (await recordHolding(this.#options.clients, this.#catalog, item, wanted)) return true;
    }
    return false;
  }

  /** Empty: there is no such node any more. */
  #addressOf(node: string): string {
    const found = this.#catalog.nodes.all.find(({ name }) => resourceIdOf(name) === node);
    return found?.address ?? '';
  }
}

function isNothing({ copies, adoptions, records, uploads }: ReplicasDecision): boolean {
  return copies.length + adoptions.length + records.length + uploads.length === 0;
}

function filesKey({ files }: StoredItem): string {
  return files.map(({ file }) => file).join();
}
