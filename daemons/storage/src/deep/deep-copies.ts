import type { DeepStorage } from '@tessera/base';
import type { FileStore } from '../files/file-store.ts';
import { inParallel } from '../files/file-system.ts';
import { parseStoredPath } from '../files/stored-path.ts';
import { type Pace, pacedFile } from '../transfer/paced-file.ts';
import type { TransferSlots } from '../transfer/transfer-slots.ts';

/** How far storing is; it only grows. */
export interface StoreProgress {
  storedFiles: number;
  storedBytes: number;
  presentFiles: number;
}

export interface StoreOptions {
  readonly signal: AbortSignal;
  readonly progress: StoreProgress;
  /** Is called when the progress has grown. */
  readonly onProgress: () => void;
}

export interface DeepCopiesParts extends Pace {
  readonly deep: DeepStorage;
  readonly files: FileStore;
  readonly slots: TransferSlots;
}

/** Copies stored files into deep storage. */
export class DeepCopies {
  readonly #parts: DeepCopiesParts;

  constructor(parts: DeepCopiesParts) {
    this.#parts = parts;
  }

  /** Files that are there already are left alone. @throws LAYOUT_NOT_STORED, LAYOUT_CORRUPTED, TRANSFER_QUEUE_FULL, and what `DeepStorage.put` throws. */
  async store(stored: readonly string[], options: StoreOptions): Promise<void> {
    await inParallel(stored, async (file) => {
      await this.#one(file, options);
      options.onProgress();
    });
  }

  async #one(file: string, { signal, progress }: StoreOptions): Promise<void> {
    const { deep, files, slots } = this.#parts;
    using _slot = await slots.take(signal);
    using held = await files.holdFile(file);
    const { fileDigest } = parseStoredPath(file)!;
    if ((await deep.stat(fileDigest, signal)) !== undefined) {
      progress.presentFiles++;
      return;
    }
    const { sizeBytes } = await deep.put(fileDigest, this.#content(held.path, signal), signal);
    progress.storedFiles++;
    progress.storedBytes += sizeBytes;
  }

  async *#content(path: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    for await (const { data } of pacedFile(path, 0, this.#parts, signal)) yield data;
  }
}
