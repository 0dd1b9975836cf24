import { type Clock, isTesseraError } from '@tessera/base';
import type { Connection } from '@tessera/client';
import { type TokenBucket, withDeadline } from '@tessera/daemon';
import { artifactInNoSource, type PeerFailure, pullFailed } from '../errors.ts';
import { type ArtifactHeader, nameOf } from './artifact-store.ts';
import type { PartialArtifact } from './partial-artifact.ts';

/** Another host that may have artifacts. */
export interface ArtifactPeer {
  readonly address: string;
  /** The bytes from `offset` on. It may break off or end too early; nothing of it is verified. */
  read(digest: string, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface PeerReadOptions {
  /** Absent: as fast as it goes. */
  readonly bucket?: TokenBucket;
  readonly clock: Clock;
  /** A peer that gives nothing for so long is left. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Another host daemon, which is connected to only while it is read from. */
export function hostPeer(
  address: string,
  connectTo: (address: string) => Connection,
): ArtifactPeer {
  return {
    address,
    async *read(digest, offset, signal) {
      using connection = connectTo(address);
      const request = { name: nameOf(digest), offset: BigInt(offset) };
      for await (const { data } of connection.host.readArtifact(request, { signal })) yield data;
    },
  };
}

/**
 * Reads an artifact from its peers until what has come has the wanted digest; where one breaks off, the next goes on.
 * What is wrong is forgotten, and a peer that only gave the end of it is asked for all of it.
 * @throws PULL_FAILED, ARTIFACT_IN_NO_SOURCE, DISK_FULL, the signal's reason.
 */
export async function readFromPeers(
  { digest, sizeBytes }: ArtifactHeader,
  peers: readonly ArtifactPeer[],
  partial: PartialArtifact,
  options: PeerReadOptions,
): Promise<void> {
  const failures: PeerFailure[] = [];
  const queue = [...peers];
  for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
    const from = partial.sizeBytes;
    const reason = await readFrom(peer, { digest, sizeBytes }, partial, options);
    if (reason !== undefined) {
      failures.push({ address: peer.address, reason });
      continue;
    }
    if (partial.digest() === digest) return partial.sync();
    await partial.reset();
    if (from > 0) queue.unshift(peer);
    else failures.push({ address: peer.address, reason: 'ARTIFACT_MISMATCH' });
  }
  throw failures.every(({ reason }) => reason === 'ARTIFACT_NOT_FOUND')
    ? artifactInNoSource(digest, failures)
    : pullFailed(digest, failures);
}

/** Undefined when as many bytes are there as are wanted; else why not. */
async function readFrom(
  peer: ArtifactPeer,
  { digest, sizeBytes }: Pick<ArtifactHeader, 'digest' | 'sizeBytes'>,
  partial: PartialArtifact,
  { bucket, clock, idleTimeoutMs, signal: parent }: PeerReadOptions,
): Promise<string | undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([parent, stop.signal]);
  const pieces = peer.read(digest, partial.sizeBytes, signal)[Symbol.asyncIterator]();
  const what = `reading an artifact from ${peer.address}`;
  try {
    while (partial.sizeBytes < sizeBytes) {
      const on = { what, reason: 'PULL_IDLE', parent, clock };
      const { done, value } = await withDeadline(idleTimeoutMs, () => pieces.next(), on);
      if (done) return 'ENDED_EARLY';
      if (partial.sizeBytes + value.length > sizeBytes) return 'SIZE_DIFFERS';
      await bucket?.take(value.length, parent);
      await partial.append(value);
    }
    return undefined;
  } catch (error) {
    parent.throwIfAborted();
    if (!isTesseraError(error) || error.reason === 'DISK_FULL') throw error;
    return error.reason;
  } finally {
    stop.abort();
    void pieces.return?.().catch(() => {}); // Not waited for: it may be what hangs.
  }
}
