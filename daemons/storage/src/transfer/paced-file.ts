import { open } from 'node:fs/promises';
import type { TokenBucket } from '@tessera/daemon';
import type { FilePart } from './file-source.ts';

export interface Pace {
  readonly bucket: TokenBucket;
  /** Most that is read at once. */
  readonly pieceBytes: number;
}

/** The bytes of a file from `offset` on, no faster than the bucket gives. `offset` is not beyond its end. */
export async function* pacedFile(
  path: string,
  offset: number,
  { bucket, pieceBytes }: Pace,
  signal: AbortSignal,
): AsyncGenerator<FilePart> {
  const handle = await open(path, 'r');
  try {
    const sizeBytes = (await handle.stat()).size;
    for (let position = offset; position < sizeBytes; ) {
      const wanted = Math.min(pieceBytes, sizeBytes - position);
      await bucket.take(wanted, signal);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(wanted), 0, wanted, position);
      if (bytesRead === 0) return; // It was cut short meanwhile: whoever reads misses the rest.
      position += bytesRead;
      yield { data: buffer.subarray(0, bytesRead), sizeBytes };
    }
  } finally {
    await handle.close();
  }
}
