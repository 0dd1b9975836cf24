import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFull } from '../errors.ts';

/** SHA-256 of a file, in hexadecimal. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/** Size of a file, or undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(absent);
  return found?.isFile() ? found.size : undefined;
}

/** Moves a file so that after a crash it is either where it was or, whole, where it goes. */
export async function moveDurably(from: string, to: string, root: string): Promise<void> {
  await orDiskFull(to, async () => {
    await syncFile(from);
    await makeFolder(dirname(to), root);
    await rename(from, to);
    await syncFolder(dirname(to));
  });
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

async function orDiskFull(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
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
