import { type Clock, isTesseraError } from '@tessera/base';
import { type TokenBucket, withDeadline } from '@tessera/daemon';
import { fileInNoSource, pullFailed } from '../errors.ts';
import type { IncomingFile } from '../files/incoming-file.ts';
import type { FilePart, FileSource, WantedFile } from './file-source.ts';
import { maxStrikes, SourceOrder } from './source-order.ts';

/** Pause before a source is asked that was interrupted before, for each interruption. */
const retryDelayMs = 200;

/** Answers after which asking the same source again is no use. */
const finalReasons = ['FILE_NOT_STORED', 'DEEP_FILE_NOT_STORED', 'DEEP_FILE_CORRUPT'];

export interface FilePullOptions {
  readonly bucket: TokenBucket;
  readonly clock: Clock;
  /** A source that gives nothing for so long is left. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Copies one file into `incoming` until its content has the wanted digest. Where a source breaks off the next one goes
 * on. When what several gave together is wrong nobody knows whose part it was: then each is read alone.
 * @throws PULL_FAILED, FILE_IN_NO_SOURCE, DISK_FULL, the signal's reason.
 */
export class FilePull {
  readonly #wanted: WantedFile;
  readonly #incoming: IncomingFile;
  readonly #options: FilePullOptions;
  readonly #order: SourceOrder;

  constructor(
    wanted: WantedFile,
    sources: readonly FileSource[],
    incoming: IncomingFile,
    options: FilePullOptions,
  ) {
    this.#wanted = wanted;
    this.#incoming = incoming;
    this.#options = options;
    this.#order = new SourceOrder(sources);
  }

  async run(): Promise<void> {
    if ((await this.#together()) || (await this.#eachAlone())) return;
    const failures = this.#order.failures();
    const { file } = this.#wanted;
    throw failures.every(({ isFinal }) => isFinal)
      ? fileInNoSource(file, failures)
      : pullFailed(file, failures);
  }

  /** False when no source is left, or when what came from several is wrong. */
  async #together(): Promise<boolean> {
    const contributors = new Set<FileSource>();
    for (;;) {
      const next = this.#order.next();
      if (next === undefined) return false;
      const { source, strikes } = next;
      await this.#pause(strikes);
      const { cameBytes, isWhole } = await this.#read(source);
      if (cameBytes > 0) contributors.add(source);
      if (!isWhole) continue;
      if (this.#isRight()) return true;
      if (contributors.size > 1) return false;
      await this.#distrust(source);
      contributors.clear();
    }
  }

  async #eachAlone(): Promise<boolean> {
    for (const source of this.#order.left()) {
      await this.#incoming.reset();
      for (let attempt = 0; attempt < maxStrikes; attempt++) {
        await this.#pause(attempt);
        const { isWhole } = await this.#read(source);
        if (!isWhole) {
          if (!this.#order.left().includes(source)) break;
          continue;
        }
        if (this.#isRight()) return true;
        await this.#distrust(source);
        break;
      }
    }
    return false;
  }

  /** Goes on where `incoming` ends. A failure of the source is noted, others are thrown. */
  async #read(source: FileSource): Promise<{ cameBytes: number; isWhole: boolean }> {
    const { signal, bucket, onBytes } = this.#options;
    const from = this.#incoming.sizeBytes;
    const stop = new AbortController();
    const parts = source.read(this.#wanted, from, AbortSignal.any([signal, stop.signal]));
    const iterator = parts[Symbol.asyncIterator]();
    const cameBytes = () => this.#incoming.sizeBytes - from;
    try {
      for (;;) {
        const part = await this.#nextPart(source, iterator, cameBytes);
        if (part === undefined) return { cameBytes: cameBytes(), isWhole: false };
        const { data, sizeBytes } = part;
        const wantedBytes = this.#wanted.sizeBytes ?? sizeBytes;
        const endBytes = this.#incoming.sizeBytes + data.length;
        if (sizeBytes !== wantedBytes || endBytes > sizeBytes) {
          this.#order.refused(source, 'SIZE_DIFFERS');
          return { cameBytes: cameBytes(), isWhole: false };
        }
        await bucket.take(data.length, signal);
        await this.#incoming.append(data);
        onBytes(data.length);
        if (endBytes === sizeBytes) return { cameBytes: cameBytes(), isWhole: true };
      }
    } finally {
      stop.abort();
      void iterator.return?.().catch(() => {}); // Not waited for: it may be what hangs.
    }
  }

  /** Undefined when the source has failed or ended too early; that is noted. */
  async #nextPart(
    source: FileSource,
    iterator: AsyncIterator<FilePart>,
    cameBytes: () => number,
  ): Promise<FilePart | undefined> {
    const { signal, clock, idleTimeoutMs } = this.#options;
    const what = `reading ${this.#wanted.file} from ${source.name}`;
    const on = { what, reason: 'TRANSFER_STALLED', parent: signal, clock };
    try {
      const { done, value } = await withDeadline(idleTimeoutMs, () => iterator.next(), on);
      if (!done) return value;
      this.#order.interrupted(source, 'ENDED_EARLY', cameBytes() > 0);
    } catch (error) {
      signal.throwIfAborted();
      const reason = isTesseraError(error) ? error.reason : 'INTERNAL';
      if (finalReasons.includes(reason)) this.#order.refused(source, reason);
      else this.#order.interrupted(source, reason, cameBytes() > 0);
    }
    return undefined;
  }

  #isRight(): boolean {
    return this.#incoming.digest() === this.#wanted.fileDigest;
  }

  async #distrust(source: FileSource): Promise<void> {
    this.#order.refused(source, 'DIGEST_DIFFERS');
    await this.#incoming.reset();
  }

  async #pause(strikes: number): Promise<void> {
    const { clock, signal } = this.#options;
    if (strikes > 0) await clock.sleep(strikes * retryDelayMs, signal);
  }
}
