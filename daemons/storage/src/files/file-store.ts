import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTesseraError } from '@tessera/base';
import { absent, digestOf, makeFolder } from '@tessera/daemon';
import { fileNotStored, layoutCorrupted, layoutNotStored, snapshotNotStored } from '../errors.ts';
import { type Pace, pacedFile } from '../transfer/paced-file.ts';
import { type FoundFile, listFiles, moveDurably, removeFile, sizeOf } from './file-system.ts';
import { IncomingFile, incomingFolder } from './incoming-file.ts';
import {
  type CountRows,
  type IngestedFile,
  Ingests,
  type PreparedIngest,
  type StagedFile,
} from './ingest.ts';
import { checkRelative, parseStoredPath, type StoredFileName, storedPath } from './stored-path.ts';

const folders = ['cuboids', 'snapshots', 'dictionaries'];

/** A verified file that stays on disk until it is released. */
export interface HeldFile extends Disposable {
  /** Relative to the store's folder. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
}

export interface VerifyOutcome {
  readonly verifiedFiles: number;
  readonly verifiedBytes: number;
  readonly quarantinedFiles: readonly string[];
}

export interface CollectOptions {
  /** Files that stay. */
  readonly referenced: ReadonlySet<string>;
  /** Cubes that something is built for. */
  readonly busy: readonly string[];
  readonly nowMs: number;
  readonly graceMs: number;
}

/** What was deleted: files, their bytes, and ids of ingests. */
export interface Collected {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly ingests: readonly string[];
}

/**
 * The files on disk. A file is read only after its content was compared with the digest in its name, once per
 * process and again whenever the file has changed. What differs is moved to `quarantine/` and never served.
 */
export class FileStore {
  readonly #ingests: Ingests;
  readonly #root: string;
  /** By file: the state in which it was verified. */
  readonly #verified = new Map<string, string>();
  /** By file: who waits for the same verification. */
  readonly #verifying = new Map<string, Promise<void>>();
  readonly #readers = new Map<string, number>();
  readonly #doomed = new Set<string>();
  /** By file that no resource named the last time: when that was first seen, milliseconds since 1970. */
  #unreferenced: Map<string, number> = new Map();

  constructor(root: string, countRows: CountRows) {
    this.#root = root;
    this.#ingests = new Ingests(root, countRows);
  }

  async open(): Promise<void> {
    await rm(join(this.#root, incomingFolder), { recursive: true, force: true });
    for (const folder of [...folders, 'staging', 'quarantine', incomingFolder]) {
      await makeFolder(join(this.#root, folder));
    }
  }

  prepareIngest(cube: string, key: string, token?: bigint): Promise<PreparedIngest> {
    return this.#ingests.prepare(cube, key, token);
  }

  /** Takes files in; what is taken in again is neither doomed nor in quarantine any more. */
  async commitIngest(ingest: string, files: readonly StagedFile[]): Promise<IngestedFile[]> {
    const committed = await this.#ingests.commit(ingest, files, (file) => this.#claim(file));
    for (const { file } of committed) await removeFile(join(this.#root, 'quarantine', file));
    return committed;
  }

  abortIngest(ingest: string): Promise<void> {
    return this.#ingests.abort(ingest);
  }

  /** True when the file is here and whole; then it stays, though a drop may have been waiting for its readers. */
  async claimWhole(file: string): Promise<boolean> {
    this.#claim(file);
    try {
      (await this.holdFile(file))[Symbol.dispose]();
      return true;
    } catch (error) {
      const isAway =
        isTesseraError(error, 'LAYOUT_NOT_STORED') || isTesseraError(error, 'LAYOUT_CORRUPTED');
      if (isAway) return false;
      throw error;
    }
  }

  /** A file to write into that nobody sees. @throws DISK_FULL. */
  createIncoming(): Promise<IncomingFile> {
    return IncomingFile.create(this.#root);
  }

  /** Takes a verified file in, synced to disk: from here on it is seen, whole. @throws DISK_FULL. */
  async takeIn(file: string, { path }: IncomingFile): Promise<void> {
    this.#claim(file);
    await moveDurably([{ from: path, to: this.#pathOf(file) }], [], this.#root);
    await removeFile(join(this.#root, 'quarantine', file));
  }

  #claim(file: string): void {
    this.#doomed.delete(file);
    this.#unreferenced.delete(file);
  }

  /**
   * A file to be read, verified; until it is released a drop waits.
   * @throws LAYOUT_NOT_STORED, LAYOUT_CORRUPTED.
   */
  async hold(name: StoredFileName): Promise<HeldFile> {
    return this.holdFile(storedPath(name));
  }

  /** The same for a snapshot, of which only the id is known. @throws SNAPSHOT_NOT_STORED, LAYOUT_CORRUPTED. */
  async holdSnapshot(project: string, id: string): Promise<HeldFile> {
    const isWanted = ({ path }: FoundFile) =>
      parseStoredPath(`snapshots/${project}/${path}`)?.id === id;
    const found = (await listFiles(join(this.#root, 'snapshots', project))).find(isWanted);
    if (found !== undefined) return this.holdFile(`snapshots/${project}/${found.path}`);
    const set = await listFiles(join(this.#root, 'quarantine', 'snapshots', project));
    if (set.some(isWanted)) throw layoutCorrupted(`snapshots/${project}/${id}`, 'found before');
    throw snapshotNotStored(id);
  }

  /** A file to be copied, not verified; until it is released a drop waits. @throws FILE_NOT_STORED. */
  async holdAsIs(file: string): Promise<HeldFile & { readonly sizeBytes: number }> {
    const path = this.#pathOf(file);
    const release = this.#acquire(file);
    const sizeBytes = await sizeOf(path);
    if (sizeBytes !== undefined) return { file, path, sizeBytes, [Symbol.dispose]: release };
    release();
    throw fileNotStored(file);
  }

  /**
   * Reads a file as slowly as the pace says and compares its digest; nobody waits for that but a drop. Gives the file's size,
   * or false when the content differs: it is for the caller to `verify` it then. @throws FILE_NOT_STORED.
   */
  async isWhole(file: string, pace: Pace, signal: AbortSignal): Promise<number | false> {
    using held = await this.holdAsIs(file);
    const hash = createHash('sha256');
    for await (const { data } of pacedFile(held.path, 0, pace, signal)) hash.update(data);
    return hash.digest('hex') === parseStoredPath(file)!.fileDigest && held.sizeBytes;
  }

  /** As `hold`, by the file's path in the store. */
  async holdFile(file: string): Promise<HeldFile> {
    const release = this.#acquire(file);
    try {
      await this.#verify(file);
      return { file, path: join(this.#root, file), [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Absolute paths. @throws FILE_NOT_STORED. */
  async locate(files: readonly string[]): Promise<string[]> {
    const paths: string[] = [];
    for (const file of files) {
      const path = this.#pathOf(file);
      if ((await sizeOf(path)) === undefined) throw fileNotStored(file);
      paths.push(path);
    }
    return paths;
  }

  /** Deletes files; one that is being read goes when its last reader is done. Absent ones are no failure. */
  async drop(
    files: readonly string[],
  ): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }> {
    let [deletedFiles, deletedBytes] = [0, 0];
    for (const file of files) {
      const path = this.#pathOf(file);
      await removeFile(join(this.#root, 'quarantine', file));
      const size = await sizeOf(path);
      if (size === undefined) continue;
      deletedFiles++;
      deletedBytes += size;
      this.#verified.delete(file);
      if (this.#readers.has(file)) this.#doomed.add(file);
      else await removeFile(path);
    }
    return { deletedFiles, deletedBytes };
  }

  /** Reads files again (all when none is named) and sets aside those that differ. */
  async verify(files: readonly string[], signal?: AbortSignal): Promise<VerifyOutcome> {
    const wanted = files.length > 0 ? files : (await this.list()).map(({ path }) => path);
    let [verifiedFiles, verifiedBytes] = [0, 0];
    const quarantinedFiles: string[] = [];
    for (const file of wanted) {
      signal?.throwIfAborted();
      const size = await sizeOf(this.#pathOf(file));
      if (size === undefined) throw fileNotStored(file);
      this.#verified.delete(file);
      const fine = await this.#verify(file).then(
        () => true,
        (error: { reason?: string }) => {
          if (error.reason !== 'LAYOUT_CORRUPTED') throw error;
          return false;
        },
      );
      if (!fine) quarantinedFiles.push(file);
      else {
        verifiedFiles++;
        verifiedBytes += size;
      }
    }
    return { verifiedFiles, verifiedBytes, quarantinedFiles };
  }

  /** All stored files; what is in quarantine is not among them. */
  async list(): Promise<FoundFile[]> {
    const lists = folders.map(async (folder) =>
      (await listFiles(join(this.#root, folder))).map((file) => ({
        ...file,
        path: `${folder}/${file.path}`,
      })),
    );
    return (await Promise.all(lists)).flat().filter(({ path }) => parseStoredPath(path));
  }

  async listQuarantined(): Promise<FoundFile[]> {
    return listFiles(join(this.#root, 'quarantine'));
  }

  /** Which of the files are not there to be read. */
  async missing(files: readonly string[]): Promise<string[]> {
    const sizes = await Promise.all(files.map((file) => sizeOf(this.#pathOf(file))));
    return files.filter((_, i) => sizes[i] === undefined);
  }

  /**
   * Deletes what nobody names any more: stored files that were seen outside `referenced` for the grace time (that
   * time starts again when they are taken in again, and with the process), and ingests that nobody has touched
   * for as long. What belongs to the projects of busy cubes is left alone.
   */
  async collect(wanted: CollectOptions): Promise<Collected> {
    const { referenced, busy, nowMs, graceMs } = wanted;
    const projects = new Set(busy.map((cube) => cube.split('/')[1]));
    const found = [...(await this.list()), ...(await this.listQuarantined())].filter(
      ({ path }) => !referenced.has(path) && !projects.has(path.split('/')[1]),
    );
    const seen = new Map(found.map(({ path }) => [path, this.#unreferenced.get(path) ?? nowMs]));
    this.#unreferenced = seen;
    const isOver = (sinceMs: number) => nowMs - sinceMs >= graceMs;
    const old = found.filter(
      ({ path, changedMs }) => isOver(seen.get(path)!) && isOver(Math.min(changedMs, nowMs)),
    );
    const files = old.map(({ path }) => path);
    await this.drop(files);
    const ingests = await this.#ingests.collect(nowMs - graceMs, projects);
    return { files, bytes: old.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), ingests };
  }

  /** Moves a file away because what is in it is wrong. */
  async quarantine(file: string, what: string): Promise<Error> {
    this.#verified.delete(file);
    const target = join(this.#root, 'quarantine', file);
    await makeFolder(dirname(target));
    await rename(this.#pathOf(file), target).catch(absent);
    return layoutCorrupted(file, what);
  }

  #pathOf(file: string): string {
    const path = checkRelative(file);
    if (parseStoredPath(path) === undefined) throw fileNotStored(file);
    return join(this.#root, path);
  }

  async #verify(file: string): Promise<void> {
    const path = this.#pathOf(file);
    const found = await stat(path, { bigint: true }).catch(absent);
    if (found === undefined) {
      const set = await sizeOf(join(this.#root, 'quarantine', file));
      throw set === undefined ? layoutNotStored(file) : layoutCorrupted(file, 'found before');
    }
    const state = `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
    if (this.#verified.get(file) === state) return;
    const known = this.#verifying.get(file);
    if (known !== undefined) return known;
    const work = this.#compare(file, path, state).finally(() => this.#verifying.delete(file));
    this.#verifying.set(file, work);
    return work;
  }

  async #compare(file: string, path: string, state: string): Promise<void> {
    const wanted = parseStoredPath(file)!.fileDigest;
    const digest = await digestOf(path).catch(absent);
    if (digest === undefined) throw layoutNotStored(file);
    if (digest !== wanted) throw await this.quarantine(file, `its digest is ${digest}`);
    this.#verified.set(file, state);
  }

  #acquire(file: string): () => void {
    this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = this.#readers.get(file)! - 1;
      if (left > 0) this.#readers.set(file, left);
      else {
        this.#readers.delete(file);
        if (this.#doomed.delete(file)) void removeFile(join(this.#root, file));
      }
    };
  }
}
