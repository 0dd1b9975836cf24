import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseResourceName } from '@tessera/base';
import { absent, digestOf, makeFolder, writeDurably } from '@tessera/daemon';
import { ingestMismatch, ingestNotFound } from '../errors.ts';
import { inParallel, listFiles, moveDurably } from './file-system.ts';
import { checkRelative, type StoredFileKind, storedPath } from './stored-path.ts';

/** A file that an engine has written into a staging directory, with what it says of it. */
export interface StagedFile {
  /** Relative to the staging directory. */
  readonly stagedPath: string;
  readonly kind: StoredFileKind;
  readonly segment?: string;
  readonly id: string;
  readonly fileDigest: string;
  readonly sizeBytes: bigint;
  readonly rowCount: bigint;
}

export interface IngestedFile {
  /** Relative to the store's folder. */
  readonly file: string;
  readonly fileDigest: string;
}

export interface PreparedIngest {
  readonly ingest: string;
  readonly stagingDirectory: string;
}

/** What stands beside a staging directory: whose it is. */
interface Owner {
  readonly cube: string;
  readonly key: string;
  /** Of the lease that it is written under, if any. */
  readonly token?: string;
}

/** Counts the rows of a Parquet file by its footer; throws FILE_CORRUPT when it has none. */
export type CountRows = (path: string) => Promise<bigint>;

/**
 * Takes files in. `staging/{ingest}` is written by an engine, `staging/{ingest}.json` says for which cube. Every
 * step may be repeated, and a crash between any two leaves either the staged file or the stored one, whole.
 */
export class Ingests {
  readonly #root: string;
  readonly #countRows: CountRows;

  constructor(root: string, countRows: CountRows) {
    this.#root = root;
    this.#countRows = countRows;
  }

  /**
   * The same directory for the same cube, key and token, also after a restart. Whoever builds by another fencing token gets
   * another one: an engine that does not know yet that its scheduler was deposed writes beside it.
   */
  async prepare(cube: string, key: string, token?: bigint): Promise<PreparedIngest> {
    parseResourceName(cube, 'projects/{project}/cubes/{cube}');
    const parts = token === undefined ? [cube, key] : [cube, key, token];
    const ingest = createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
    const stagingDirectory = this.#staging(ingest);
    await makeFolder(stagingDirectory);
    const owner: Owner = { cube, key, ...(token === undefined ? {} : { token: String(token) }) };
    await writeDurably(`${stagingDirectory}.json`, JSON.stringify(owner));
    return { ingest, stagingDirectory };
  }

  /**
   * Checks all files, then moves them in, then deletes the staging directory. Repeating it returns the same.
   * `claim` hears of each target first: from then on it must not be deleted.
   * @throws INGEST_MISMATCH, INGEST_NOT_FOUND; then nothing was moved. DISK_FULL.
   */
  async commit(
    ingest: string,
    files: readonly StagedFile[],
    claim: (file: string) => void = () => {},
  ): Promise<IngestedFile[]> {
    const cube = await this.#cubeOf(ingest);
    const targets = files.map((file) => ({ file, target: storedPath({ ...file, cube }) }));
    for (const { target } of targets) claim(target);
    const staged = new Set<(typeof targets)[number]>();
    await inParallel(targets, async (each) => {
      if (!(await this.#isStored(each.target, each.file))) staged.add(each);
    });
    await inParallel([...staged], ({ file }) => this.#checkContent(ingest, file));
    // One after another: the counter is one database connection.
    for (const { file } of staged) await this.#checkRows(ingest, file);
    const stored = targets.filter((each) => !staged.has(each));
    await moveDurably(
      [...staged].map(({ file, target }) => ({
        from: join(this.#staging(ingest), checkRelative(file.stagedPath)),
        to: join(this.#root, target),
      })),
      stored.map(({ target }) => join(this.#root, target)),
      this.#root,
    );
    await rm(this.#staging(ingest), { recursive: true, force: true });
    return targets.map(({ file, target }) => ({ file: target, fileDigest: file.fileDigest }));
  }

  /** With what was left under older tokens of the same cube and key. */
  async abort(ingest: string): Promise<void> {
    for (const older of await this.#olderThan(ingest)) await this.#remove(older);
    await this.#remove(ingest);
  }

  async #olderThan(ingest: string): Promise<string[]> {
    const owner = await this.#ownerOf(ingest);
    if (owner?.token === undefined) return [];
    const older: string[] = [];
    for (const name of await readdir(join(this.#root, 'staging'))) {
      if (!/^[0-9a-f]{32}\.json$/.test(name)) continue;
      const other = await this.#ownerOf(name.slice(0, 32));
      if (other?.cube !== owner.cube || other.key !== owner.key) continue;
      if (BigInt(other.token ?? owner.token) < BigInt(owner.token)) older.push(name.slice(0, 32));
    }
    return older;
  }

  async #remove(ingest: string): Promise<void> {
    await rm(this.#staging(ingest), { recursive: true, force: true });
    // The second where a crash came between writing and renaming.
    for (const end of ['.json', '.json.new']) {
      await rm(`${this.#staging(ingest)}${end}`, { force: true });
    }
  }

  /** Ingests that nobody has touched since `beforeMs` are thrown away, except of busy projects; returns their ids. */
  async collect(
    beforeMs: number,
    busyProjects: ReadonlySet<string | undefined>,
  ): Promise<string[]> {
    const newest = new Map<string, number>();
    for (const { path, changedMs } of await listFiles(join(this.#root, 'staging'))) {
      const ingest = path.split('/')[0]!.replace(/\.json(\.new)?$/, '');
      newest.set(ingest, Math.max(newest.get(ingest) ?? 0, changedMs));
    }
    const old = [...newest].filter(([, changed]) => changed <= beforeMs).map(([ingest]) => ingest);
    const given = [];
    for (const ingest of old) {
      const cube = await this.#cubeOf(ingest).catch(() => undefined);
      if (cube !== undefined && busyProjects.has(cube.split('/')[1])) continue;
      await this.#remove(ingest);
      given.push(ingest);
    }
    return given;
  }

  #staging(ingest: string): string {
    if (!/^[0-9a-f]{32}$/.test(ingest)) throw ingestNotFound(ingest);
    return join(this.#root, 'staging', ingest);
  }

  async #cubeOf(ingest: string): Promise<string> {
    const owner = await this.#ownerOf(ingest);
    if (owner === undefined) throw ingestNotFound(ingest);
    return owner.cube;
  }

  async #ownerOf(ingest: string): Promise<Owner | undefined> {
    const text = await readFile(`${this.#staging(ingest)}.json`, 'utf8').catch(absent);
    return text === undefined ? undefined : (JSON.parse(text) as Owner);
  }

  /** The name holds the digest, so a file under it is either that content or damaged; then the staged one replaces it. */
  async #isStored(target: string, file: StagedFile): Promise<boolean> {
    const path = join(this.#root, target);
    const found = await lstat(path).catch(absent);
    return found?.size === Number(file.sizeBytes) && (await digestOf(path)) === file.fileDigest;
  }

  async #checkContent(ingest: string, file: StagedFile): Promise<void> {
    const name = checkRelative(file.stagedPath);
    const path = join(this.#staging(ingest), name);
    const found = await lstat(path).catch(absent);
    if (!found?.isFile()) throw ingestMismatch(name, 'it', 'a file', 'missing');
    if (BigInt(found.size) !== file.sizeBytes) {
      throw ingestMismatch(name, 'its size', String(file.sizeBytes), String(found.size));
    }
    const digest = await digestOf(path);
    if (digest !== file.fileDigest)
      throw ingestMismatch(name, 'its digest', file.fileDigest, digest);
  }

  async #checkRows(ingest: string, { stagedPath, rowCount: reported }: StagedFile): Promise<void> {
    const rowCount = await this.#countRows(join(this.#staging(ingest), stagedPath));
    if (rowCount !== reported) {
      throw ingestMismatch(stagedPath, 'its row count', String(reported), String(rowCount));
    }
  }
}
