import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { diskFull } from './errors.ts';

/** Most of a file that is read at once, bytes. */
const chunkBytes = 1 << 20;

/**
 * Writes a small file as a whole: readers, and whoever reads after a crash, see the old content or the new.
 * @throws DISK_FULL.
 */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.new`;
  await orDiskFull(path, async () => {
    await makeFolder(dirname(path));
    const file = await open(temporary, 'w', mode);
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

/**
 * Makes a folder, each new level synced into its parent. Level by level: Node's own recursion never ends where a file system answers ENOENT
 * although the parent is there, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return;
  const parent = dirname(resolve(path));
  await makeFolder(parent);
  await mkdir(path).catch(unlessMade);
  await syncFolder(parent);
}

/** For `catch`: somebody else was quicker. */
function unlessMade(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** After a rename: without it the new name may be lost with the power. */
export const syncFolder = syncFile;

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

/** @throws DISK_FULL when the work fails because nothing more can be written. */
export async function orDiskFull<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
    throw isFull ? diskFull(path, error) : error;
  }
}

/** For `catch`: undefined of a file that is not there. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
