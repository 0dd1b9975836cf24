import { createHash } from 'node:crypto';
import { badDigest } from './errors.ts';

/** @throws BAD_DIGEST: a digest is a part of paths, so nothing else may pass. */
export function checkDigest(digest: string): string {
  if (!isDigest(digest)) throw badDigest(digest);
  return digest;
}

export function isDigest(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Folder of a file: 256 of them keep each short. */
export function shardOf(digest: string): string {
  return digest.slice(0, 2);
}

export function isShard(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name);
}

/** The content as it is; throws at its end when it has another digest. */
export async function* verified(
  content: AsyncIterable<Uint8Array>,
  digest: string,
  mismatch: (digest: string, found: string) => Error,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== digest) throw mismatch(digest, found);
}
