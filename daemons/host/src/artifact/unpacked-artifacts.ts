/**
 * Archives as folders, by the digest of the archive. One is there whole or not at all: it is unpacked beside, synced, and
 * then renamed. Processes share it, so its files are not to be written to; one in which somebody has changed something all
 * the same counts as not unpacked, and is unpacked anew.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, messageOf } from '@tessera/base';
import { absent, orDiskFull, syncFile, syncFolder, writeDurably } from '@tessera/daemon';
import { type ReadEntry, Unpack } from 'tar';
import { artifactNotUnpackable } from '../errors.ts';
import { type ArchiveBounds, type ArchiveEntry, ArchiveRules, isLink } from './archive-rules.ts';
import { type ArtifactStore, nameOf } from './artifact-store.ts';
import { looksOf } from './folder-looks.ts';

export interface UnpackedOptions {
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** Of one artifact, unpacked. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

/** Files, folders and links of one artifact. */
const maxEntries = 1_000_000;
/** Of the file that says what an unpacked artifact looks like. */
const looksSuffix = '.looks';
/** So many times as long as a look has taken passes before the next one. */
const restFactor = 20;

export class UnpackedArtifacts {
  readonly #options: UnpackedOptions;
  /** By digest: what it looked like when it was unpacked. */
  readonly #known: Map<string, string>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #looking = new Map<string, Promise<void>>();
  /** When each is to be looked at again, by the monotonic clock. */
  readonly #dueMs = new Map<string, number>();

  private constructor(options: UnpackedOptions, known: ReadonlyMap<string, string>) {
    this.#options = options;
    this.#known = new Map(known);
  }

  /** Throws away what was not finished, and what is of no artifact. */
  static async open(options: UnpackedOptions): Promise<UnpackedArtifacts> {
    const { folder, artifacts } = options;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const found = await readdir(folder);
    const known = new Map<string, string>();
    for (const name of found) {
      const digest = name.endsWith(looksSuffix) ? name.slice(0, -looksSuffix.length) : name;
      if (artifacts.find(digest) === undefined) await remove(join(folder, name));
      else if (name !== digest && found.includes(digest)) {
        known.set(digest, await readFile(join(folder, name), 'utf8'));
      }
    }
    return new UnpackedArtifacts(options, known);
  }

  /** What somebody changes is found a moment later: asking has it looked at, and waits for nothing. */
  has(digest: string): boolean {
    const { clock } = this.#options;
    const isDue = clock.monotonicMs() >= (this.#dueMs.get(digest) ?? 0);
    if (this.#known.has(digest) && isDue) this.#look(digest);
    return this.#known.has(digest);
  }

  folderOf(digest: string): string {
    return join(this.#options.folder, digest);
  }

  /**
   * Unpacks an artifact, unless that was done and nobody has changed it, and gives its folder. All who ask at the same time wait for the same.
   * @throws ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPTED, ARTIFACT_NOT_UNPACKABLE, DISK_FULL; nothing is left of it then.
   */
  async unpack(digest: string): Promise<string> {
    if (this.#known.has(digest)) await this.#look(digest);
    if (!this.#known.has(digest)) {
      const running = this.#running.get(digest) ?? this.#unpack(digest);
      this.#running.set(digest, running);
      await running.finally(() => this.#running.delete(digest));
    }
    return this.folderOf(digest);
  }

  async delete(digest: string): Promise<void> {
    this.#known.delete(digest);
    this.#dueMs.delete(digest);
    await remove(this.#looksFile(digest));
    await remove(await this.#outOfSight(digest));
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
        const looks = await looksOf(temporary);
        await writeDurably(this.#looksFile(digest), looks);
        const before = await this.#outOfSight(digest);
        await rename(temporary, this.folderOf(digest));
        await syncFolder(folder);
        this.#known.set(digest, looks);
        await remove(before);
      });
    } finally {
      await remove(temporary);
    }
  }

  /** All who ask at the same time wait for the same look. */
  #look(digest: string): Promise<void> {
    const looking = this.#looking.get(digest) ?? this.#compare(digest);
    this.#looking.set(digest, looking);
    return looking;
  }

  /** Never fails: what cannot be looked at is not as it was. */
  async #compare(digest: string): Promise<void> {
    const { clock } = this.#options;
    const beganMs = clock.monotonicMs();
    const unpacked = this.#known.get(digest);
    const looks = await looksOf(this.folderOf(digest)).catch(() => undefined);
    // It may have been unpacked anew meanwhile.
    if (looks !== unpacked && this.#known.get(digest) === unpacked) this.#known.delete(digest);
    const nowMs = clock.monotonicMs();
    this.#dueMs.set(digest, nowMs + restFactor * (nowMs - beganMs));
    this.#looking.delete(digest);
  }

  #looksFile(digest: string): string {
    return `${this.folderOf(digest)}${looksSuffix}`;
  }

  /** What is deleted half is no whole one. Gives where it is, if it was there. */
  async #outOfSight(digest: string): Promise<string> {
    const gone = join(this.#options.folder, `${randomUUID()}.gone`);
    await rename(this.folderOf(digest), gone).catch(absent);
    return gone;
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
