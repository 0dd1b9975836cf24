import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFull } from '../errors.ts';

/** Most of a file that is read at once, bytes. */
const chunkBytes = 1 << 20;

/** SHA-256 of a file, in hexadecimal. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, chunkBytes)));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Size of a file, or undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(absent);
  return found?.isFile() ? found.size : undefined;
}

export interface Move {
  readonly from: string;
  readonly to: string;
}

/** Files that are synced, or folders, at the same time: a disk does several in the time of one. */
export const parallelFiles = 8;

/**
 * Moves files so that after a crash each is either where it was or, whole, where it goes. A folder that takes many is
 * synced once, after the last; so are the folders of files that an earlier attempt has moved.
 */
export async function moveDurably(
  moves: readonly Move[],
  moved: readonly string[],
  root: string,
): Promise<void> {
  const folders = [...new Set([...moves.map(({ to }) => to), ...moved].map((to) => dirname(to)))];
  await orDiskFull(root, async () => {
    await inParallel(moves, ({ from }) => syncFile(from));
    for (const folder of folders) await makeFolder(folder, root);
    for (const { from, to } of moves) await rename(from, to);
    await inParallel(folders, syncFolder);
  });
}

/** Works on all items, a few at a time. After a failure nothing more is begun, and what was begun has ended. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      try {
        await work(items[next++]!);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(parallelFiles, items.length) }, lane);
  const outcomes = await Promise.allSettled(lanes);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Makes a folder below `root`, each new level synced into its parent. */
export async function makeFolder(path: string, root: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let level = path; level !== root && level !== dirname(level); level = dirname(level)) {
    await syncFolder(dirname(level));
    if (level === first) break;
  }
}

/** Writes a small file as a whole: readers see the old content or the new. */
export async function writeDurably(path: string, text: string, root: string): Promise<void> {
  const temporary = `${path}.new`;
  await orDiskFull(path, async () => {
    await makeFolder(dirname(path), root);
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  });
}

/** Removes a file; true when there was one. */
export async function removeFile(path: string): Promise<boolean> {
  if ((await sizeOf(path)) === undefined) return false;
  await rm(path, { force: true });
  return true;
}

export interface FoundFile {
  /** Relative to the folder that was listed, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** When it was last written or moved here, milliseconds since 1970. */
  readonly changedMs: number;
}

/** All files below a folder. */
export async function listFiles(folder: string): Promise<FoundFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent);
  const files: FoundFile[] = [];
  for (const entry of entries ?? []) {
    if (!entry.isFile()) continue;
    const absolute = join(entry.parentPath, entry.name);
    const found = await stat(absolute).catch(absent);
    if (found === undefined) continue; // Deleted meanwhile.
    const path = absolute.slice(folder.length + 1).replaceAll('\\', '/');
    files.push({ path, sizeBytes: found.size, changedMs: found.ctimeMs });
  }
  return files;
}

export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

/** @throws DISK_FULL when the work fails because nothing more can be written. */
export async function orDiskFull<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
      ? diskFull(path, error)
      : error;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const syncFolder = syncFile;
