import { type DeepStorage, isTesseraError } from '@tessera/base';
import type { Logger, TokenBucket } from '@tessera/daemon';

/** How far a scrub is; it only grows. */
export interface DeepScrubProgress {
  verifiedFiles: number;
  verifiedBytes: number;
  /** Digests of the files that were set aside. */
  readonly damaged: string[];
  /** Digests of which there is no file. */
  readonly missing: string[];
}

export interface DeepScrubOptions {
  readonly signal: AbortSignal;
  readonly progress: DeepScrubProgress;
  /** Is called when the progress has grown, also in the midst of a large file. */
  readonly onProgress: () => void;
}

export interface DeepScrubParts {
  readonly deep: DeepStorage;
  readonly bucket: TokenBucket;
  readonly log: Logger;
  readonly onVerified: (bytes: number) => void;
  readonly onDamaged: () => void;
}

/** Readings of one file before it counts as damaged: bytes may have been spoiled on their way here. */
const readings = 2;

/** Reads files of deep storage again, slowly, and compares their digests: what nobody reads rots unseen. */
export class DeepScrub {
  readonly #parts: DeepScrubParts;

  constructor(parts: DeepScrubParts) {
    this.#parts = parts;
  }

  /** @throws DEEP_STORAGE_UNAVAILABLE, DEEP_STORAGE_DENIED, BAD_DIGEST. */
  async scrub(digests: readonly string[], options: DeepScrubOptions): Promise<void> {
    for (const digest of digests) {
      await this.#scrub(digest, options);
      options.onProgress();
    }
  }

  async #scrub(digest: string, options: DeepScrubOptions): Promise<void> {
    const { deep, log, onVerified, onDamaged } = this.#parts;
    const { progress, signal } = options;
    for (let reading = 1; ; reading++) {
      const found = await this.#read(digest, options);
      if (typeof found === 'number') {
        progress.verifiedFiles++;
        progress.verifiedBytes += found;
        onVerified(found);
        return;
      }
      if (found === 'missing') {
        progress.missing.push(digest);
        return;
      }
      if (reading < readings) continue;
      await deep.setAside(digest, signal);
      progress.damaged.push(digest);
      log.warn({ digest }, 'deep-scrub.damaged');
      onDamaged();
      return;
    }
  }

  /** The size of a file that is whole. */
  async #read(
    digest: string,
    { signal, onProgress }: DeepScrubOptions,
  ): Promise<number | 'damaged' | 'missing'> {
    const { deep, bucket } = this.#parts;
    let sizeBytes = 0;
    try {
      for await (const { length } of deep.get(digest, signal)) {
        await bucket.take(length, signal);
        sizeBytes += length;
        onProgress();
      }
      return sizeBytes;
    } catch (error) {
      if (isTesseraError(error, 'DEEP_FILE_CORRUPT')) return 'damaged';
      if (isTesseraError(error, 'DEEP_FILE_NOT_STORED')) return 'missing';
      throw error;
    }
  }
}
