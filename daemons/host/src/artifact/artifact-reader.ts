import type { TokenBucket } from '@tessera/daemon';
import { tooManyReaders } from '../errors.ts';
import type { ArtifactStore } from './artifact-store.ts';

export interface ArtifactReaderOptions {
  readonly artifacts: ArtifactStore;
  readonly maxReaders: number;
  /** Most that is read at once. */
  readonly pieceBytes: number;
  /** Absent: as fast as it goes. */
  readonly bucket?: TokenBucket;
}

/** Gives artifacts to other hosts. */
export class ArtifactReader {
  readonly #options: ArtifactReaderOptions;
  #readers = 0;

  constructor(options: ArtifactReaderOptions) {
    this.#options = options;
  }

  /** From `offset` on. @throws ARTIFACT_NOT_FOUND, OFFSET_BEYOND_END, TOO_MANY_READERS. */
  async *read(digest: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { artifacts, maxReaders, pieceBytes, bucket } = this.#options;
    if (this.#readers >= maxReaders) throw tooManyReaders(maxReaders);
    this.#readers++;
    try {
      for await (const data of artifacts.read(digest, offset, pieceBytes)) {
        signal.throwIfAborted();
        await bucket?.take(data.length, signal);
        yield data;
      }
    } finally {
      this.#readers--;
    }
  }
}
