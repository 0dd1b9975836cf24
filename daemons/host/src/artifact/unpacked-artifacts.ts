/**
 * Archives as folders, by the digest of the archive. One is there whole or not at all: it is unpacked beside, synced, and
 * then renamed. Processes share it, so its files are not to be written to.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '@tessera/base';
import { orDiskFull, syncFile, syncFolder } from '@tessera/daemon';
import { type ReadEntry, Unpack } from 'tar';
import { artifactNotUnpackable } from '../errors.ts';
import { type ArchiveBounds, type ArchiveEntry, ArchiveRules, isLink } from './archive-rules.ts';
import { type ArtifactStore, nameOf } from './artifact-store.ts';

export interface UnpackedOptions {
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** Of one artifact, unpacked. */
  readonly maxBytes: number;
}

/** Files, folders and links of one artifact. */
const maxEntries = 1_000_000;

export class UnpackedArtifacts {
  readonly #options: UnpackedOptions;
  readonly #known: Set<string>;
  readonly #running = new Map<string, Promise<void>>();

  private constructor(options: UnpackedOptions, known: readonly string[]) {
    this.#options = options;
    this.#known = new Set(known);
  }

  /** Throws away what was not finished, and what is of no artifact. */
  static async open(options: UnpackedOptions): Promise<UnpackedArtifacts> {
    const { folder, artifacts } = options;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const found = await readdir(folder);
    const isKnown = (name: string) => artifacts.find(name) !== undefined;
    for (const name of found) if (!isKnown(name)) await remove(join(folder, name));
    return new UnpackedArtifacts(options, found.filter(isKnown));
  }

  has(digest: string): boolean {
    return this.#known.has(digest);
  }

  folderOf(digest: string): string {
    return join(this.#options.folder, digest);
  }

  /**
   * Unpacks an artifact, unless that was done, and gives its folder. All who ask at the same time wait for the same.
   * @throws ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPTED, ARTIFACT_NOT_UNPACKABLE, DISK_FULL; nothing is left of it then.
   */
  async unpack(digest: string): Promise<string> {
    if (!this.has(digest)) {
      const running = this.#running.get(digest) ?? this.#unpack(digest);
      this.#running.set(digest, running);
      await running.finally(() => this.#running.delete(digest));
    }
    return this.folderOf(digest);
  }

  async delete(digest: string): Promise<void> {
    if (!this.#known.delete(digest)) return;
    // First out of sight: what is deleted half is no whole one.
    const gone = join(this.#options.folder, `${randomUUID()}.gone`);
    await rename(this.folderOf(digest), gone);
    await remove(gone);
  }

  async #unpack(digest: string): Promise<void> {
    const { folder, artifacts, maxBytes } = this.#options;
    const file = await artifacts.wholeFile(digest);
    const temporary = join(folder, `${randomUUID()}.new`);
    try {
      await orDiskFull(temporary, async () => {
        await mkdir(temporary, { mode: 0o755 });
        await extract(nameOf(digest), file, temporary, { maxBytes, maxEntries });
        await syncTree(temporary);
        await rename(temporary, this.folderOf(digest));
        await syncFolder(folder);
      });
      this.#known.add(digest);
    } finally {
      await remove(temporary);
    }
  }
}

/** @throws ARTIFACT_NOT_UNPACKABLE, and what the system says. */
async function extract(
  name: string,
  file: string,
  folder: string,
  bounds: ArchiveBounds,
): Promise<void> {
  const rules = new ArchiveRules(bounds);
  const links: ArchiveEntry[] = [];
  let refusal: string | undefined;
  const unpack = new Unpack({
    cwd: folder,
    strict: true,
    preserveOwner: false,
    noMtime: true,
    umask: 0o022,
    filter: (_, entry) => {
      const { path, type, linkpath = '', size } = entry as ReadEntry;
      const found = { path, type, linkPath: linkpath, sizeBytes: size };
      refusal ??= rules.refusalOf(found);
      if (refusal !== undefined) unpack.abort(new Error(refusal));
      if (isLink(found)) links.push(found);
      return refusal === undefined && !isLink(found);
    },
    onReadEntry: (entry) => {
      if (entry.type !== 'Directory') entry.mode = (entry.mode ?? 0o644) & 0o555;
      else entry.mode = 0o755;
    },
  });
  const source = createReadStream(file, { highWaterMark: 1 << 20 });
  try {
    await new Promise<void>((resolve, reject) => {
      source.on('error', reject);
      unpack.on('error', reject);
      unpack.on('close', resolve);
      source.pipe(unpack as unknown as NodeJS.WritableStream);
    });
    await linkAll(links, folder);
  } catch (error) {
    if (refusal === undefined && isOfSystem(error)) throw error;
    throw artifactNotUnpackable(name, refusal ?? messageOf(error));
  } finally {
    source.destroy();
  }
}

/**
 * Links are made when all files are there, the symbolic ones last: so nothing is ever written through a link, and what a
 * hard link names is a file.
 */
async function linkAll(links: readonly ArchiveEntry[], folder: string): Promise<void> {
  const isSymbolic = ({ type }: ArchiveEntry) => type === 'SymbolicLink';
  const [symbolic, hard] = [links.filter(isSymbolic), links.filter((one) => !isSymbolic(one))];
  for (const one of [...hard, ...symbolic]) {
    const path = join(folder, one.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    if (isSymbolic(one)) await symlink(one.linkPath, path);
    else await link(join(folder, one.linkPath), path);
  }
}

/** What this machine lacks or breaks; other failures come of names that contradict each other, as a file below a file. */
function isOfSystem(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(code);
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) await syncFile(join(entry.parentPath, entry.name));
  }
  await syncFolder(folder);
}

/** What was being written when it failed may come into being once more meanwhile. */
function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 });
}
