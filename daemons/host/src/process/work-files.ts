/**
 * What a spec puts into a working directory: artifacts, unpacked or as they are, and small files. They are put there
 * before each start, and looked at while the process runs: somebody may have changed them.
 */
import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, LruCache } from '@tessera/base';
import { absent, digestOf, orDiskFull, writeDurably } from '@tessera/daemon';
import { type ArtifactStore, replaceBy } from '../artifact/artifact-store.ts';
import type { UnpackedArtifacts } from '../artifact/unpacked-artifacts.ts';
import type { ArtifactLink, ProcessFile, ProcessSpec } from './process-spec.ts';

export interface WorkFilesOptions {
  readonly artifacts: ArtifactStore;
  readonly unpacked: UnpackedArtifacts;
  readonly clock: Clock;
}

/** Where what is put belongs, and where it is written down what was put there. */
export interface WorkFolder {
  readonly work: string;
  readonly manifest: string;
}

type Placed = Pick<ProcessSpec, 'artifacts' | 'files'>;

/** Files whose digests are remembered while they look the same. */
const maxLooked = 10_000;
/** After so long another write is seen by its time. */
const settledMs = 1_000;
/** A linked artifact that is larger is not read again to see whether somebody wrote into it. */
const maxReadBytes = 16 * 2 ** 20;

export class WorkFiles {
  readonly #options: WorkFilesOptions;
  /** By path: the digest that it had, and how it looked then. */
  readonly #looked = new LruCache<string>({
    maxEntries: maxLooked,
    maxWeight: maxLooked,
  });

  constructor(options: WorkFilesOptions) {
    this.#options = options;
  }

  /**
   * Puts everything there as a spec says, and removes what an earlier spec had there; may be repeated.
   * @throws ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPTED, ARTIFACT_NOT_UNPACKABLE, DISK_FULL.
   */
  async place({ artifacts, files }: Placed, { work, manifest }: WorkFolder): Promise<void> {
    const wanted = [...artifacts, ...files].map(({ path }) => join(work, path)).sort();
    const before = await placedBefore(manifest);
    const all = [...new Set([...before, ...wanted])].sort();
    // Before anything is put there: what is not written down is never removed.
    if (!isSame(all, before)) await writeDurably(manifest, JSON.stringify(all));
    for (const path of before) {
      if (!wanted.includes(path)) await rm(path, { recursive: true, force: true });
    }
    for (const one of artifacts) await this.#link(one, join(work, one.path));
    for (const { path, content } of files) await writeDurably(join(work, path), content);
    if (!isSame(all, wanted)) await writeDurably(manifest, JSON.stringify(wanted));
  }

  /** Puts that there again which is not as it should be. @throws as `place` does. */
  async restore(spec: Placed, { work }: Pick<WorkFolder, 'work'>): Promise<void> {
    const changed = await this.changed(spec, work);
    for (const one of spec.artifacts) {
      if (changed.includes(one.path)) await this.#link(one, join(work, one.path));
    }
    for (const { path, content } of spec.files) {
      if (!changed.includes(path)) continue;
      // Somebody may have made a folder of it.
      const found = await lstat(join(work, path)).catch(absent);
      if (found?.isDirectory()) await rm(join(work, path), { recursive: true });
      await writeDurably(join(work, path), content);
    }
  }

  /** Paths of what is not as the spec says, by name. */
  async changed({ artifacts, files }: Placed, work: string): Promise<string[]> {
    const changed: string[] = [];
    for (const one of artifacts) {
      if (!(await this.#isLinked(one, join(work, one.path)))) changed.push(one.path);
    }
    for (const file of files) {
      if (!(await this.#holds(join(work, file.path), sha256Of(file)))) changed.push(file.path);
    }
    return changed.sort();
  }

  async #link({ digest, unpack }: ArtifactLink, path: string): Promise<void> {
    const { artifacts, unpacked } = this.#options;
    if (!unpack) return artifacts.link(digest, path);
    const folder = await unpacked.unpack(digest);
    const temporary = `${path}.${randomUUID()}.new`;
    await orDiskFull(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await symlink(folder, temporary);
      await replaceBy(temporary, path);
    });
  }

  async #isLinked({ digest, unpack }: ArtifactLink, path: string): Promise<boolean> {
    const { artifacts, unpacked } = this.#options;
    if (unpack) {
      const target = await readlink(path).catch(() => undefined);
      return target === unpacked.folderOf(digest) && unpacked.has(digest);
    }
    const isLarge = (artifacts.find(digest)?.sizeBytes ?? 0) > maxReadBytes;
    if (isLarge && (await artifacts.isSameFile(digest, path))) return true;
    return this.#holds(path, digest);
  }

  async #holds(path: string, digest: string): Promise<boolean> {
    const found = await lstat(path, { bigint: true }).catch(absent);
    if (!found?.isFile()) return false;
    const looks = `${digest} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    if (this.#looked.get(path) === looks) return true;
    const isRight = (await digestOf(path).catch(absent)) === digest;
    // One that was written a moment ago may be written again without looking different.
    const ageMs = Number(this.#options.clock.now() / 1000n) - Number(found.ctimeMs);
    if (isRight && ageMs > settledMs) this.#looked.set(path, looks, 1);
    return isRight;
  }
}

/** SHA-256 of what a file is to hold. */
export function sha256Of({ content }: Pick<ProcessFile, 'content'>): string {
  return createHash('sha256').update(content).digest('hex');
}

async function placedBefore(manifest: string): Promise<readonly string[]> {
  const text = await readFile(manifest, 'utf8').catch(absent);
  return text === undefined ? [] : JSON.parse(text);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((path, i) => path === b[i]);
}
