import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { deepStorageDenied, deepStorageFull, deepStorageUnavailable } from '../errors.ts';

/** The calls to the file system, handed in so that a test can let any of them fail. */
export interface FileCalls {
  open(path: string, flags: string): Promise<FileHandle>;
  mkdir(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<FileState>;
}

export interface FileState {
  readonly isFile: boolean;
  readonly sizeBytes: number;
  /** Last written, milliseconds since 1970. */
  readonly writtenMs: number;
}

export const nodeFileCalls: FileCalls = {
  open: (path, flags) => open(path, flags),
  async mkdir(path) {
    await mkdir(path, { recursive: true });
  },
  rename,
  remove: (path) => rm(path),
  readdir: (path) => readdir(path),
  async stat(path) {
    const found = await stat(path);
    return { isFile: found.isFile(), sizeBytes: found.size, writtenMs: found.mtimeMs };
  },
};

/** Times that a call is made again over a file or folder handle that a server has forgotten. */
const maxStale = 3;

/**
 * Makes a call that may be repeated. On NFS a handle goes stale when a file is replaced or removed by another host: the
 * call is made again, by name. A missing file is `undefined`; other failures are those of deep storage.
 */
export async function fileCall<T>(where: string, call: () => Promise<T>): Promise<T | undefined> {
  for (let stale = 0; ; stale++) {
    try {
      return await call();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (codeOf(error) !== 'ESTALE' || stale >= maxStale) throw failureOf(where, error);
    }
  }
}

export function failureOf(where: string, error: unknown): Error {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return deepStorageFull(where, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return deepStorageDenied(where, error);
    default:
      return deepStorageUnavailable(where, error);
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
