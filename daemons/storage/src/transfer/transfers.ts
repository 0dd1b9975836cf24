import type { Clock, DeepStorage } from '@tessera/base';
import type { Connection } from '@tessera/client';
import { type Logger, pieceBytes, TokenBucket } from '@tessera/daemon';
import type { Meter } from '@tessera/telemetry';
import type { StorageConfig } from '../config.ts';
import { DeepCopies, type StoreOptions } from '../deep/deep-copies.ts';
import { type DeepCollected, DeepGarbage } from '../deep/deep-garbage.ts';
import { DeepScrub, type DeepScrubOptions } from '../deep/deep-scrub.ts';
import { deepSource } from '../deep/deep-source.ts';
import { deepStorageNotConfigured } from '../errors.ts';
import type { FileStore } from '../files/file-store.ts';
import { storageMetrics } from '../metrics.ts';
import type { FilePart, WantedFile } from './file-source.ts';
import { Peers } from './peer-source.ts';
import { Puller, type PullOptions } from './puller.ts';
import { StoredFileReader } from './stored-file-reader.ts';
import { TransferSlots } from './transfer-slots.ts';

export interface TransfersParts {
  readonly config: StorageConfig;
  readonly files: FileStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly connectTo: (address: string) => Connection;
  readonly deep?: DeepStorage | undefined;
  readonly meter: Meter;
}

/** A pull may wait long for its turn, as it is nobody's query; a reader is told soon, so that it asks somebody else. */
const queueTimeoutMs = { in: 3_600_000, out: 10_000 };

/** All copying of stored files: what goes out and what comes in have a budget of bytes per second each. */
export class Transfers implements Disposable {
  readonly #reader: StoredFileReader;
  readonly #puller: Puller;
  readonly #peers: Peers;
  readonly #deep: DeepStorage | undefined;
  readonly #deepCopies: DeepCopies | undefined;
  readonly #deepScrub: DeepScrub | undefined;
  readonly #deepGarbage: DeepGarbage | undefined;

  constructor({ config, files, clock, log, connectTo, deep, meter }: TransfersParts) {
    const transferred = meter.counter(storageMetrics.transferred);
    const scrubbed = meter.counter(storageMetrics.deepScrubbed);
    const damaged = meter.counter(storageMetrics.deepDamaged);
    const { transferBytesPerSecond: bytesPerSecond, transferIdleTimeoutMs: idleTimeoutMs } = config;
    const bucketOf = (direction: 'in' | 'out') =>
      new TokenBucket({
        bytesPerSecond,
        clock,
        onTaken: (bytes) => transferred(bytes, { direction }),
      });
    const slotsOf = (timeoutMs: number) =>
      new TransferSlots({
        maxConcurrent: config.transferConcurrency,
        maxQueued: config.transferQueueLength,
        queueTimeoutMs: timeoutMs,
      });
    const pace = { bucket: bucketOf('out'), pieceBytes: pieceBytes(bytesPerSecond) };
    this.#reader = new StoredFileReader({ files, slots: slotsOf(queueTimeoutMs.out), ...pace });
    const slots = slotsOf(queueTimeoutMs.in);
    this.#puller = new Puller({ files, slots, bucket: bucketOf('in'), clock, idleTimeoutMs });
    this.#peers = new Peers(connectTo);
    this.#deep = deep;
    if (deep === undefined) return;
    const deepSlots = slotsOf(queueTimeoutMs.in);
    this.#deepCopies = new DeepCopies({ deep, files, slots: deepSlots, ...pace });
    const scrubRate = { bytesPerSecond: config.deepScrubBytesPerSecond, clock };
    this.#deepScrub = new DeepScrub({
      ...{ deep, log, bucket: new TokenBucket(scrubRate) },
      onVerified: (bytes) => scrubbed(bytes),
      onDamaged: () => damaged(1),
    });
    this.#deepGarbage = new DeepGarbage(deep, clock);
  }

  get hasDeepStorage(): boolean {
    return this.#deep !== undefined;
  }

  /** A stored file for another daemon, from `offset` on; see `StoredFileReader.read`. */
  read(file: string, offset: number, signal: AbortSignal): AsyncIterable<FilePart> {
    return this.#reader.read(file, offset, signal);
  }

  /** Copies files in, from other daemons by address and then from deep storage; see `Puller.pull`. */
  pull(
    wanted: readonly WantedFile[],
    addresses: readonly string[],
    options: PullOptions,
  ): Promise<void> {
    const peers = [...new Set(addresses)].map((address) => this.#peers.source(address));
    const deep = this.#deep === undefined ? [] : [deepSource(this.#deep)];
    return this.#puller.pull(wanted, [...peers, ...deep], options);
  }

  /** @throws DEEP_STORAGE_NOT_CONFIGURED, and what `DeepCopies.store` throws. */
  async storeDeep(stored: readonly string[], options: StoreOptions): Promise<void> {
    if (this.#deepCopies === undefined) throw deepStorageNotConfigured();
    await this.#deepCopies.store(stored, options);
  }

  /** @throws DEEP_STORAGE_NOT_CONFIGURED, and what `DeepScrub.scrub` throws. */
  async scrubDeep(digests: readonly string[], options: DeepScrubOptions): Promise<void> {
    if (this.#deepScrub === undefined) throw deepStorageNotConfigured();
    await this.#deepScrub.scrub(digests, options);
  }

  /** @throws DEEP_STORAGE_NOT_CONFIGURED, and what `DeepStorage` throws. */
  async deleteUnreferencedDeep(
    referenced: ReadonlySet<string>,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<DeepCollected> {
    if (this.#deepGarbage === undefined) throw deepStorageNotConfigured();
    return this.#deepGarbage.collect(referenced, graceMs, signal);
  }

  [Symbol.dispose](): void {
    this.#peers[Symbol.dispose]();
  }
}
