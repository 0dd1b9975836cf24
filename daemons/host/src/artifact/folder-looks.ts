import { createHash } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Files that are looked at side by side. */
const concurrency = 64;

/**
 * A digest of what a folder looks like: its paths, and of each file and link what no change of it leaves as it was (inode, mode, size, times). Contents are not read. The folder may be renamed.
 * @throws what the system says, as when it is not there
 */
export async function looksOf(folder: string): Promise<string> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.map((entry) => join(entry.parentPath, entry.name)).sort();
  const looks = createHash('sha256');
  for (let i = 0; i < paths.length; i += concurrency) {
    const some = paths.slice(i, i + concurrency);
    for (const line of await Promise.all(some.map((path) => lookOf(path, folder)))) {
      looks.update(line);
    }
  }
  return looks.digest('hex');
}

async function lookOf(path: string, folder: string): Promise<string> {
  const found = await lstat(path, { bigint: true });
  const name = JSON.stringify(relative(folder, path));
  // The times of a folder say what its entries say.
  if (found.isDirectory()) return `${name} folder\n`;
  const { ino, mode, size, mtimeNs, ctimeNs } = found;
  return `${name} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}\n`;
}
