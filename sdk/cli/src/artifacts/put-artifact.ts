import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, TesseraError } from '@tessera/base';
import type { host as wire } from '@tessera/proto';
import type { ArtifactHost } from './observe-artifacts.ts';

/** A file of this machine that is to become an artifact. */
export interface LocalFile {
  readonly path: string;
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Hears how much has come to a host. */
export type OnProgress = (host: string, bytes: number) => void;

const pieceBytes = 1 << 18;
/** Between questions of how far a copy is. */
const pollMs = 200;

/** @throws FILE_UNREADABLE */
export async function readLocalFile(path: string): Promise<LocalFile> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    return { path, digest: hash.digest('hex'), sizeBytes };
  } catch (cause) {
    throw new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'FILE_UNREADABLE',
      message: `${path} cannot be read: does it exist, is it a file, and may you read it?`,
      metadata: { file: path },
      cause,
    });
  }
}

/**
 * The hosts that are to have an artifact: those that have it already, and then others, which differ from artifact to
 * artifact.
 */
export function holdersOf<Host extends Pick<ArtifactHost, 'id' | 'artifacts'>>(
  digest: string,
  hosts: readonly Host[],
  copies: number,
): Host[] {
  const isHolder = ({ artifacts }: Host) =>
    artifacts.some(({ name }) => name === `artifacts/${digest}`);
  const others = hosts.filter((host) => !isHolder(host));
  const first = others.length === 0 ? 0 : Number.parseInt(digest.slice(0, 8), 16) % others.length;
  const turned = [...others.slice(first), ...others.slice(0, first)];
  return [...hosts.filter(isHolder), ...turned].slice(0, copies);
}

export interface PutArtifactOptions {
  /** It is an archive, and is unpacked on each host as well, so that what is started from it need not wait for that. */
  readonly unpack?: boolean;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** Sends a file to the first host, unless it has it; the others have it from there. */
export async function putArtifact(
  file: LocalFile,
  hosts: readonly ArtifactHost[],
  options: PutArtifactOptions,
): Promise<void> {
  const [first, ...others] = hosts;
  const { onProgress, signal, unpack = false } = options;
  await first!.client.putArtifact(
    upload(file, (bytes) => onProgress(first!.id, bytes)),
    { signal },
  );
  const sources = [first!.address];
  await Promise.all([
    ...(unpack ? [copyTo(first!, file, [], options)] : []),
    ...others.map((host) => copyTo(host, file, sources, options)),
  ]);
}

async function* upload(
  { path, digest, sizeBytes }: LocalFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<wire.PutArtifactRequest> {
  const header = {
    name: `artifacts/${digest}`,
    sizeBytes: BigInt(sizeBytes),
    displayName: basename(path),
  };
  yield { part: { $case: 'header', value: header } };
  let sent = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: pieceBytes })) {
    yield { part: { $case: 'chunk', value: chunk } };
    sent += chunk.length;
    onBytes(sent);
  }
}

/** A host that has it already needs no sources to unpack it. @throws COPY_FAILED, and what the host says at once. */
async function copyTo(
  { id, client }: ArtifactHost,
  { path, digest, sizeBytes }: LocalFile,
  sources: string[],
  { onProgress, signal, unpack = false }: PutArtifactOptions,
): Promise<void> {
  const request = {
    ...{ name: `artifacts/${digest}`, sizeBytes: BigInt(sizeBytes), sources, unpack },
    displayName: basename(path),
  };
  const from = sources.length === 0 ? '' : ` from ${sources.join(', ')}`;
  for (let asked = 0; ; asked++) {
    const pulled = await client.pullArtifact(request, { signal });
    onProgress(id, Number(pulled.receivedBytes));
    if (pulled.artifact !== undefined) return;
    // The first answer may tell of an attempt that somebody else had made.
    if (asked > 0 && pulled.failureReason !== '') {
      throw new TesseraError({
        code: Code.UNAVAILABLE,
        reason: 'COPY_FAILED',
        message: `${id} has not got ${basename(path)}${from} (${pulled.failureReason}): ${pulled.failureMessage}`,
        metadata: { host: id, cause: pulled.failureReason },
      });
    }
    await sleep(pollMs, undefined, { signal });
  }
}
