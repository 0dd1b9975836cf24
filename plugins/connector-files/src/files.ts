import { createHash } from 'node:crypto';
import { glob, open, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import type { SourceVersion } from '@tessera/cube';
import type { FileFormat, TableConfig } from './config.ts';
import { sourceFileMissing, sourceFileUnreadable, unknownFormat } from './errors.ts';

export interface SourceFile {
  readonly path: string;
  readonly sizeBytes: bigint;
  readonly modifiedNs: bigint;
}

/** The files of a table, by path; at least one. @throws SOURCE_FILE_MISSING */
export async function filesOf(
  table: string,
  config: TableConfig,
  baseDirectory: string,
): Promise<SourceFile[]> {
  const paths = await pathsOf(config.path, baseDirectory);
  const files = await Promise.all(paths.map((path) => fileOf(table, path)));
  const present = files.filter((file) => file !== undefined);
  if (present.length === 0) throw sourceFileMissing(table, resolve(baseDirectory, config.path));
  return present;
}

const globCharacters = /[*?[{]/;

async function pathsOf(pattern: string, baseDirectory: string): Promise<string[]> {
  const absolute = isAbsolute(pattern) ? pattern : resolve(baseDirectory, pattern);
  if (!globCharacters.test(pattern)) return [absolute];
  const found = await Array.fromAsync(glob(absolute));
  return found.sort();
}

async function fileOf(table: string, path: string): Promise<SourceFile | undefined> {
  try {
    const { size, mtimeNs, isFile } = await statOf(path);
    return isFile ? { path, sizeBytes: size, modifiedNs: mtimeNs } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw sourceFileUnreadable(table, path, error);
  }
}

async function statOf(path: string) {
  const entry = await stat(path, { bigint: true });
  return { size: entry.size, mtimeNs: entry.mtimeNs, isFile: entry.isFile() };
}

const extensions: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  json: 'json',
  ndjson: 'json',
  jsonl: 'json',
  parquet: 'parquet',
  pq: 'parquet',
};

/** As configured, else by the extension of the path. @throws SOURCE_FORMAT_UNKNOWN */
export function formatOf(table: string, config: TableConfig): FileFormat {
  if (config.format !== undefined) return config.format;
  const extension = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(config.path)?.[1]?.toLowerCase() ?? '';
  const format = extensions[extension];
  if (format === undefined) throw unknownFormat(table, config.path);
  return format;
}

/** How much of a file's end (and, of text files, its beginning) is hashed. */
const markBytes = 64 * 1024;

/**
 * The version of a list of files: path, size, modification time and a hash of where writers leave their traces (a
 * Parquet's footer, a text's head and tail). The data between is not read.
 */
export async function versionOf(
  table: string,
  files: readonly SourceFile[],
  baseDirectory: string,
  format: FileFormat,
): Promise<SourceVersion> {
  const hash = createHash('sha256');
  for (const file of files) {
    const path = relative(baseDirectory, file.path);
    hash.update(`${path}\0${file.sizeBytes}\0${file.modifiedNs}\0`);
    await hashEnds(table, file, format, hash);
  }
  return { known: true, token: `files:${files.length}:${hash.digest('hex')}` };
}

async function hashEnds(
  table: string,
  file: SourceFile,
  format: FileFormat,
  hash: ReturnType<typeof createHash>,
): Promise<void> {
  try {
    const handle = await open(file.path, 'r');
    try {
      const size = Number(file.sizeBytes);
      const starts = format === 'parquet' ? [size - markBytes] : [0, size - markBytes];
      for (const start of starts) {
        const buffer = Buffer.alloc(markBytes);
        const { bytesRead } = await handle.read(buffer, 0, markBytes, Math.max(0, start));
        hash.update(buffer.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw sourceFileMissing(table, file.path);
    }
    throw sourceFileUnreadable(table, file.path, error);
  }
}
