import { offsetBeyondEnd } from '../errors.ts';
import type { FileStore } from '../files/file-store.ts';
import type { FilePart } from './file-source.ts';
import { type Pace, pacedFile } from './paced-file.ts';
import type { TransferSlots } from './transfer-slots.ts';

export interface StoredFileReaderParts extends Pace {
  readonly files: FileStore;
  readonly slots: TransferSlots;
}

/** Reads stored files for others, a few at a time and no faster than the bucket gives. */
export class StoredFileReader {
  readonly #parts: StoredFileReaderParts;

  constructor(parts: StoredFileReaderParts) {
    this.#parts = parts;
  }

  /**
   * The bytes from `offset` on: at least one part, so that the size is always told. A drop waits until it has ended.
   * @throws FILE_NOT_STORED, OFFSET_BEYOND_END, TRANSFER_QUEUE_FULL.
   */
  async *read(file: string, offset: number, signal: AbortSignal): AsyncGenerator<FilePart> {
    using _slot = await this.#parts.slots.take(signal);
    using held = await this.#parts.files.holdAsIs(file);
    const { sizeBytes } = held;
    if (offset > sizeBytes) throw offsetBeyondEnd(file, offset, sizeBytes);
    if (offset === sizeBytes) yield { data: new Uint8Array(), sizeBytes };
    yield* pacedFile(held.path, offset, this.#parts, signal);
  }
}
