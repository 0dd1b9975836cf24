import { chmod, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { create } from 'tar';

const kept = ['lib', 'opt', 'plugins'];

/** Paths of all files of a bundle, relative to its folder, in the order in which they are packed. */
export async function bundleFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of kept) {
    const entries = await readdir(join(folder, name), {
      recursive: true,
      withFileTypes: true,
    }).catch(() => []);
    for (const entry of entries) {
      if (entry.isFile()) found.push(relative(folder, join(entry.parentPath, entry.name)));
    }
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Writes the files as a tar archive whose bytes follow from their paths and contents alone. It is not compressed: jars are already, and what a compressor makes of them changes with its version.
 */
export async function pack(
  folder: string,
  files: readonly string[],
  output: string,
): Promise<void> {
  for (const file of files) {
    await chmod(join(folder, file), file.endsWith('.sh') ? 0o755 : 0o644);
  }
  const constant = { portable: true, mtime: new Date(0), noDirRecurse: true };
  await create({ file: output, cwd: folder, strict: true, ...constant }, [...files]);
}
