import { withDeadline } from '@tessera/daemon';
import type { host } from '@tessera/proto';
import { badRequest } from '../errors.ts';

export interface Upload {
  readonly header: host.ArtifactHeader;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Takes the stream of an upload apart.
 * @throws BAD_REQUEST when its parts do not come in order, UPLOAD_IDLE when they stop coming.
 */
export async function readUpload(
  parts: AsyncIterable<host.PutArtifactRequest>,
  limits: { readonly idleTimeoutMs: number; readonly signal: AbortSignal },
): Promise<Upload> {
  const iterator = parts[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await withDeadline(limits.idleTimeoutMs, () => iterator.next(), {
      what: 'waiting for the next piece of an artifact',
      reason: 'UPLOAD_IDLE',
      parent: limits.signal,
    });
    return done ? undefined : value.part;
  };
  const first = await next();
  if (first?.$case !== 'header') throw badRequest('part', 'the first must be the header.');
  return { header: first.value, chunks: chunksFrom(next) };
}

async function* chunksFrom(
  next: () => Promise<host.PutArtifactRequest['part'] | undefined>,
): AsyncGenerator<Uint8Array, void> {
  for (let part = await next(); part !== undefined; part = await next()) {
    if (part.$case !== 'chunk') throw badRequest('part', 'after the header only bytes may come.');
    yield part.value;
  }
}
