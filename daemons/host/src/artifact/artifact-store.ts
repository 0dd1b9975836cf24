/**
 * Files that processes need, named by their content. `uploads/` holds what is being put, `files/{sha256}` what is whole,
 * `quarantine/` what was found damaged. A file is entered into the journal after it was synced and renamed; one that is
 * not in the journal was never acknowledged.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@tessera/base';
import { absent, digestOf, orDiskFull, syncFolder } from '@tessera/daemon';
import {
  artifactCorrupted,
  artifactMismatch,
  artifactNotFound,
  artifactTooLarge,
  offsetBeyondEnd,
  tooManyUploads,
} from '../errors.ts';

export interface StoredArtifact {
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly displayName: string;
  readonly createdMs: number;
}

/** Where it is written down which artifacts there are. */
export interface ArtifactJournal {
  artifacts(): readonly StoredArtifact[];
  saveArtifact(artifact: StoredArtifact): void;
  deleteArtifact(digest: string): void;
}

export interface ArtifactStoreOptions {
  readonly folder: string;
  readonly journal: ArtifactJournal;
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly maxUploads: number;
}

export type ArtifactHeader = Pick<StoredArtifact, 'digest' | 'sizeBytes' | 'displayName'>;

export class ArtifactStore {
  readonly #options: ArtifactStoreOptions;
  readonly #known = new Map<string, StoredArtifact>();
  /** What the file of a digest looked like when its bytes were last compared. */
  readonly #verified = new Map<string, string>();
  #uploads = 0;

  private constructor(options: ArtifactStoreOptions) {
    this.#options = options;
  }

  /** Throws away what never was acknowledged, and forgets files that have vanished. */
  static async open(options: ArtifactStoreOptions): Promise<ArtifactStore> {
    const store = new ArtifactStore(options);
    await rm(store.#path('uploads'), { recursive: true, force: true });
    for (const name of ['uploads', 'files', 'quarantine']) {
      await mkdir(store.#path(name), { recursive: true, mode: 0o755 });
    }
    const files = new Set(await readdir(store.#path('files')));
    for (const artifact of options.journal.artifacts()) {
      if (files.delete(artifact.digest)) store.#known.set(artifact.digest, artifact);
      else options.journal.deleteArtifact(artifact.digest);
    }
    for (const unknown of files) await rm(store.#file(unknown), { force: true });
    return store;
  }

  find(digest: string): StoredArtifact | undefined {
    return this.#known.get(digest);
  }

  /** @throws ARTIFACT_NOT_FOUND. */
  get(digest: string): StoredArtifact {
    const artifact = this.find(digest);
    if (artifact === undefined) throw artifactNotFound(nameOf(digest));
    return artifact;
  }

  /** By digest. */
  list(): readonly StoredArtifact[] {
    return [...this.#known.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  /**
   * Takes a file in, unless it is here already. When this returns it is whole and synced.
   * @throws ARTIFACT_MISMATCH, ARTIFACT_TOO_LARGE, TOO_MANY_UPLOADS, DISK_FULL; nothing is left of it then.
   */
  async put(header: ArtifactHeader, chunks: AsyncIterable<Uint8Array>): Promise<StoredArtifact> {
    const { maxBytes, maxUploads } = this.#options;
    const { digest } = header;
    if (header.sizeBytes > maxBytes) throw artifactTooLarge(nameOf(digest), maxBytes);
    const known = await this.#whole(digest);
    if (known !== undefined) return known;
    if (this.#uploads >= maxUploads) throw tooManyUploads(maxUploads);
    this.#uploads++;
    const upload = join(this.#path('uploads'), randomUUID());
    try {
      await orDiskFull(upload, () => write(upload, header, chunks));
      return await orDiskFull(upload, () => this.#keep(upload, header));
    } finally {
      this.#uploads--;
      await rm(upload, { force: true });
    }
  }

  /** Takes in a file that is whole, synced and compared with its digest; it is moved from `path`. @throws DISK_FULL. */
  async take(path: string, { digest, sizeBytes, displayName }: ArtifactHeader): Promise<void> {
    await orDiskFull(path, () => this.#keep(path, { digest, sizeBytes, displayName }));
  }

  /** The bytes of an artifact, in pieces, from `offset` on. @throws ARTIFACT_NOT_FOUND, OFFSET_BEYOND_END. */
  async *read(digest: string, offset: number, maxPieceBytes: number): AsyncGenerator<Buffer> {
    const { sizeBytes } = this.get(digest);
    if (offset < 0 || offset > sizeBytes) throw offsetBeyondEnd(nameOf(digest), offset, sizeBytes);
    yield* createReadStream(this.#file(digest), { start: offset, highWaterMark: maxPieceBytes });
  }

  /** The file of an artifact, whose bytes are right. @throws ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPTED. */
  async wholeFile(digest: string): Promise<string> {
    await this.#check(digest);
    return this.#file(digest);
  }

  /** Compares the bytes with the digest. @throws ARTIFACT_CORRUPTED, and sets the file aside. */
  async verify(digest: string): Promise<StoredArtifact> {
    this.#verified.delete(digest);
    return this.#check(digest);
  }

  /**
   * Puts an artifact under a path, sharing its bytes where the file system can. What was at the path is replaced.
   * @throws ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPTED, DISK_FULL.
   */
  async link(digest: string, path: string): Promise<void> {
    const [file, temporary] = [await this.wholeFile(digest), `${path}.${randomUUID()}.new`];
    await orDiskFull(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await link(file, temporary).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV' && error.code !== 'EPERM' && error.code !== 'EMLINK')
          throw error;
        await copyFile(file, temporary);
      });
      await replaceBy(temporary, path);
      await rm(temporary, { force: true }); // Renaming one link of a file over another leaves both.
    });
  }

  /** Whether a path is another name of the artifact's own file. */
  async isSameFile(digest: string, path: string): Promise<boolean> {
    const [own, found] = await Promise.all([
      stat(this.#file(digest)).catch(absent),
      lstat(path).catch(absent),
    ]);
    return own !== undefined && own.ino === found?.ino && own.dev === found.dev;
  }

  async delete(digest: string): Promise<void> {
    this.get(digest);
    this.#options.journal.deleteArtifact(digest);
    this.#known.delete(digest);
    await rm(this.#file(digest), { force: true });
  }

  async #whole(digest: string): Promise<StoredArtifact | undefined> {
    try {
      return this.#known.has(digest) ? await this.#check(digest) : undefined;
    } catch {
      return undefined; // It was set aside; what comes now takes its place.
    }
  }

  async #check(digest: string): Promise<StoredArtifact> {
    const artifact = this.get(digest);
    const file = this.#file(digest);
    const found = await stat(file, { bigint: true }).catch(absent);
    const looks = found && `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    if (looks !== undefined && this.#verified.get(digest) === looks) return artifact;
    if (found === undefined || (await digestOf(file)) !== digest) {
      await this.#setAside(digest);
      throw artifactCorrupted(nameOf(digest));
    }
    this.#verified.set(digest, looks!);
    return artifact;
  }

  async #setAside(digest: string): Promise<void> {
    this.#options.journal.deleteArtifact(digest);
    this.#known.delete(digest);
    await rename(this.#file(digest), join(this.#path('quarantine'), digest)).catch(absent);
  }

  async #keep(upload: string, header: ArtifactHeader): Promise<StoredArtifact> {
    const { digest } = header;
    await rename(upload, this.#file(digest));
    await syncFolder(this.#path('files'));
    const artifact = { ...header, createdMs: Number(this.#options.clock.now() / 1000n) };
    this.#options.journal.saveArtifact(artifact);
    this.#known.set(digest, artifact);
    return artifact;
  }

  #file(digest: string): string {
    return join(this.#path('files'), digest);
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }
}

/** Renames, also over a folder: an archive that was unpacked under the name before, for example. */
export async function replaceBy(temporary: string, path: string): Promise<void> {
  await rename(temporary, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EISDIR' && error.code !== 'ENOTEMPTY') throw error;
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
  });
}

/** `artifacts/{sha256}`. */
export function nameOf(digest: string): string {
  return `artifacts/${digest}`;
}

/** Writes what comes and syncs it. It may be executed and is not to be written to. */
async function write(
  path: string,
  { digest, sizeBytes }: ArtifactHeader,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o555);
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > sizeBytes) break;
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (size !== sizeBytes) {
      const found = size > sizeBytes ? `more than that` : `${size} bytes`;
      throw artifactMismatch(nameOf(digest), `${sizeBytes} bytes`, found);
    }
    const found = hash.digest('hex');
    if (found !== digest) throw artifactMismatch(nameOf(digest), digest, found);
    await file.sync();
  } finally {
    await file.close();
  }
}
