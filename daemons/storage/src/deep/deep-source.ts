import type { DeepStorage } from '@tessera/base';
import type { FilePart, FileSource, WantedFile } from '../transfer/file-source.ts';

/** Deep storage as a source of files. It reads from the beginning; what is not wanted of it comes as empty parts. */
export function deepSource(deep: DeepStorage): FileSource {
  return {
    name: 'deep storage',
    async *read({ fileDigest }: WantedFile, offset: number, signal: AbortSignal) {
      const sizeBytes = (await deep.stat(fileDigest, signal))?.sizeBytes ?? 0;
      let skipBytes = offset;
      for await (const chunk of deep.get(fileDigest, signal)) {
        const data = chunk.subarray(Math.min(skipBytes, chunk.length));
        skipBytes -= chunk.length - data.length;
        yield { data, sizeBytes } satisfies FilePart;
      }
    },
  };
}
