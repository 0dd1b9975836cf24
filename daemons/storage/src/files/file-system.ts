import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { absent, makeFolder, orDiskFull, syncFile, syncFolder } from '@tessera/daemon';

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
    for (const folder of folders) await makeFolder(folder);
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
