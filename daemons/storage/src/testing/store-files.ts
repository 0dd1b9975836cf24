import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storedPath } from '../files/stored-path.ts';
import { cube } from '../storage-fixture.ts';
import type { WantedFile } from '../transfer/file-source.ts';

export interface TestFile extends Required<WantedFile> {
  readonly content: Buffer;
}

/** A file of random bytes under the name that its content has in every store. */
export function testFile(sizeBytes: number): TestFile {
  const content = randomBytes(sizeBytes);
  const fileDigest = createHash('sha256').update(content).digest('hex');
  const file = storedPath({ kind: 'layout', cube, segment: 's', id: 'l', fileDigest });
  return { file, fileDigest, sizeBytes, content };
}

/** Puts files into a store's folder as if they had been taken in; `content` instead of what they should hold. */
export async function plant(root: string, files: readonly TestFile[], content?: Buffer) {
  for (const file of files) {
    const path = join(root, file.file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content ?? file.content);
  }
}

export function wire({ file, fileDigest, sizeBytes }: WantedFile) {
  return { file, fileDigest, sizeBytes: BigInt(sizeBytes ?? 0) };
}
