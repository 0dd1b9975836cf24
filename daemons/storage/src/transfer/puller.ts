import { type Clock, isTesseraError } from '@tessera/base';
import type { TokenBucket } from '@tessera/daemon';
import { badPath } from '../errors.ts';
import type { FileStore } from '../files/file-store.ts';
import { inParallel } from '../files/file-system.ts';
import { parseStoredPath } from '../files/stored-path.ts';
import { FilePull } from './file-pull.ts';
import type { FileSource, WantedFile } from './file-source.ts';
import type { TransferSlots } from './transfer-slots.ts';

/** Bytes after which progress within a file is worth a word. */
const reportedBytes = 8 << 20;

export interface PullerParts {
  readonly files: FileStore;
  readonly slots: TransferSlots;
  readonly bucket: TokenBucket;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
}

/** How far a pull is; it only grows. */
export interface PullProgress {
  pulledFiles: number;
  pulledBytes: number;
  presentFiles: number;
}

export interface PullOptions {
  readonly signal: AbortSignal;
  readonly progress?: PullProgress;
  /** Is called when the progress has grown. */
  readonly onProgress?: () => void;
}

/** Copies files from other stores into this one. Each is seen whole and verified, or not at all. */
export class Puller {
  readonly #parts: PullerParts;
  /** By file: who copies it now. Never fails. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(parts: PullerParts) {
    this.#parts = parts;
  }

  /**
   * Files that are here and whole are left alone. All are tried before a failure is thrown, except when nothing more can
   * be done: DISK_FULL, TRANSFER_QUEUE_FULL, the signal's reason.
   * @throws BAD_PATH, PULL_FAILED, FILE_IN_NO_SOURCE.
   */
  async pull(
    wanted: readonly WantedFile[],
    sources: readonly FileSource[],
    { signal, progress = noProgress(), onProgress = () => {} }: PullOptions,
  ): Promise<void> {
    for (const file of wanted) checkWanted(file);
    const failures: unknown[] = [];
    await inParallel(wanted, async (file) => {
      const options = { signal, progress, onProgress };
      await this.#one(file, () => this.#fetch(file, sources, options), signal).catch((error) => {
        if (!isOfOneFile(error)) throw error;
        failures.push(error);
      });
      onProgress();
    });
    const worst = failures.find((error) => isTesseraError(error, 'PULL_FAILED')) ?? failures[0];
    if (worst !== undefined) throw worst;
  }

  /** One copy of a file at a time: who comes second finds it there, or tries himself. */
  async #one({ file }: WantedFile, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const other = this.#underWay.get(file);
      if (other === undefined) break;
      await other;
      signal.throwIfAborted();
    }
    const working = work();
    const ended = () => void this.#underWay.delete(file);
    this.#underWay.set(file, working.then(ended, ended));
    await working;
  }

  async #fetch(
    wanted: WantedFile,
    sources: readonly FileSource[],
    { signal, progress, onProgress }: Required<PullOptions>,
  ): Promise<void> {
    const { files, slots, bucket, clock, idleTimeoutMs } = this.#parts;
    using _slot = await slots.take(signal);
    if (await files.claimWhole(wanted.file)) {
      progress.presentFiles++;
      return;
    }
    const onBytes = (bytes: number) => {
      const steps = Math.floor(progress.pulledBytes / reportedBytes);
      progress.pulledBytes += bytes;
      if (Math.floor(progress.pulledBytes / reportedBytes) > steps) onProgress();
    };
    await using incoming = await files.createIncoming();
    const options = { bucket, clock, idleTimeoutMs, signal, onBytes };
    await new FilePull(wanted, sources, incoming, options).run();
    await files.takeIn(wanted.file, incoming);
    progress.pulledFiles++;
  }
}

export function noProgress(): PullProgress {
  return { pulledFiles: 0, pulledBytes: 0, presentFiles: 0 };
}

function checkWanted({ file, fileDigest }: WantedFile): void {
  if (parseStoredPath(file)?.fileDigest !== fileDigest) throw badPath(file);
}

function isOfOneFile(error: unknown): boolean {
  return isTesseraError(error, 'PULL_FAILED') || isTesseraError(error, 'FILE_IN_NO_SOURCE');
}
