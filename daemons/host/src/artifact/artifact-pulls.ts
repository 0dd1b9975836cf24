import { statfs } from 'node:fs/promises';
import { isTesseraError, type TesseraError } from '@tessera/base';
import { diskFull, type Logger } from '@tessera/daemon';
import { artifactTooLarge, notStored, tooManyPulls } from '../errors.ts';
import {
  type ArtifactHeader,
  type ArtifactStore,
  nameOf,
  type StoredArtifact,
} from './artifact-store.ts';
import { PartialArtifact } from './partial-artifact.ts';
import type { PartialArtifacts } from './partial-artifacts.ts';
import { type ArtifactPeer, type PeerReadOptions, readFromPeers } from './read-from-peers.ts';
import type { UnpackedArtifacts } from './unpacked-artifacts.ts';

export interface ArtifactPullsOptions extends Omit<PeerReadOptions, 'signal'> {
  readonly artifacts: ArtifactStore;
  readonly unpacked: UnpackedArtifacts;
  readonly partials: PartialArtifacts;
  readonly log: Logger;
  readonly maxBytes: number;
  readonly maxPulls: number;
}

export interface WantedArtifact extends ArtifactHeader {
  /** The preferred one first. */
  readonly peers: readonly ArtifactPeer[];
  readonly unpack: boolean;
}

export interface PullProgress {
  /** Present: it is here as it is wanted. */
  readonly artifact?: StoredArtifact;
  readonly receivedBytes: number;
  /** Of the last attempt. */
  readonly failure?: TesseraError;
}

/** Room that pulls leave on the disk for journals and logs. */
const reservedBytes = 64 * 2 ** 20;
/** Failures that are remembered for whoever asks next. */
const maxFailures = 1_000;

interface Running {
  readonly ended: Promise<void>;
  receivedBytes: () => number;
}

/** Artifacts on their way from other hosts. Each comes once, whoever asks for it and however often. */
export class ArtifactPulls implements AsyncDisposable {
  readonly #options: ArtifactPullsOptions;
  readonly #running = new Map<string, Running>();
  readonly #failures = new Map<string, TesseraError>();
  readonly #stopping = new AbortController();

  constructor(options: ArtifactPullsOptions) {
    this.#options = options;
  }

  /**
   * Begins to fetch what is not here and not on its way, and tells how far it is.
   * @throws ARTIFACT_TOO_LARGE, TOO_MANY_PULLS, DISK_FULL: it was not begun.
   */
  async pull(wanted: WantedArtifact): Promise<PullProgress> {
    const { artifacts, unpacked, maxBytes, maxPulls } = this.#options;
    const { digest, sizeBytes } = wanted;
    const artifact = artifacts.find(digest);
    if (artifact !== undefined && (!wanted.unpack || unpacked.has(digest))) {
      this.#failures.delete(digest);
      return { artifact, receivedBytes: sizeBytes };
    }
    if (sizeBytes > maxBytes) throw artifactTooLarge(nameOf(digest), maxBytes);
    if (!this.#running.has(digest)) {
      if (this.#running.size >= maxPulls) throw tooManyPulls(maxPulls);
      if (artifact === undefined) await this.#checkRoom(wanted);
      this.#begin(wanted);
    }
    const failure = this.#failures.get(digest);
    const receivedBytes = this.#running.get(digest)?.receivedBytes() ?? 0;
    return { receivedBytes, ...(failure && { failure }) };
  }

  /** Leaves what is on its way as it is: another life of the daemon goes on with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #begin(wanted: WantedArtifact): void {
    const { digest } = wanted;
    if (this.#running.has(digest)) return; // Somebody else asked while the disk was looked at.
    const running: Running = { receivedBytes: () => 0, ended: Promise.resolve() };
    const ended = this.#fetch(wanted, running).then(
      () => this.#failures.delete(digest),
      (error: unknown) => this.#fail(digest, error),
    );
    const forget = () => {
      this.#running.delete(digest);
    };
    this.#running.set(digest, Object.assign(running, { ended: ended.then(forget) }));
  }

  async #fetch(wanted: WantedArtifact, running: Running): Promise<void> {
    const { artifacts, unpacked } = this.#options;
    if (artifacts.find(wanted.digest) === undefined) await this.#receive(wanted, running);
    if (wanted.unpack) await unpacked.unpack(wanted.digest);
  }

  async #receive(wanted: WantedArtifact, running: Running): Promise<void> {
    const { artifacts, partials, log } = this.#options;
    const { digest, sizeBytes, peers } = wanted;
    const path = partials.pathOf(digest);
    try {
      await using partial = await PartialArtifact.open(path, sizeBytes);
      running.receivedBytes = () => partial.sizeBytes;
      log.info({ digest, sizeBytes, from: partial.sizeBytes }, 'artifact.pulling');
      const signal = this.#stopping.signal;
      await readFromPeers(wanted, peers, partial, { ...this.#options, signal });
      await artifacts.take(path, wanted);
    } catch (error) {
      // What fills the disk is in everybody's way; anything else that has come is gone on with.
      const isFull = isTesseraError(error, 'DISK_FULL');
      if (isFull || (await partials.bytesOf(digest)) === 0) await partials.drop(digest);
      throw error;
    }
    log.info({ digest, sizeBytes }, 'artifact.pulled');
  }

  #fail(digest: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const failure = isTesseraError(error) ? error : notStored(nameOf(digest), error);
    this.#options.log.warn({ digest, reason: failure.reason }, 'artifact.pull-failed');
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size >= maxFailures) this.#failures.delete(oldest);
    this.#failures.set(digest, failure);
  }

  /** @throws DISK_FULL. */
  async #checkRoom({ digest, sizeBytes }: WantedArtifact): Promise<void> {
    const { partials } = this.#options;
    const { bavail, bsize } = await statfs(partials.folder);
    const missing = sizeBytes - (await partials.bytesOf(digest));
    if (missing + reservedBytes > bavail * bsize) throw diskFull(partials.pathOf(digest));
  }
}
