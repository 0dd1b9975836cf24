import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskFull } from '../errors.ts';

/** Writes a small file as a whole: readers, and whoever reads after a crash, see the old content or the new. */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  await orDiskFull(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(`${path}.new`, 'w', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncFolder(dirname(path));
  });
}

/** After a rename: without it the new name may be lost with the power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @throws DISK_FULL in place of what the system says of a disk without room. */
export async function orDiskFull<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
    throw isFull ? diskFull(path, error) : error;
  }
}

export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
