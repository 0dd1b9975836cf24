import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DeepFile, DeepStorage } from '@tessera/base';
import { checkDigest, isDigest, isShard, shardOf, verified } from '../digests.ts';
import {
  deepFileCorrupt,
  deepFileNotStored,
  deepStorageUnavailable,
  deepUploadMismatch,
} from '../errors.ts';
import { resuming } from '../resuming.ts';
import { codeOf, type FileCalls, failureOf, fileCall, nodeFileCalls } from './file-calls.ts';

/** Uploads that are not whole yet. */
const incoming = 'incoming';
/** Damaged files, until they are stored again. */
const quarantine = 'quarantine';
const readBytes = 1 << 20;

/**
 * Deep storage in a folder that all hosts mount, such as one of an NFS server: `{2 digits}/{digest}`. A file is written under another
 * name, synced, closed (when NFS reports what failed) and renamed. There are no locks: files with one name have one content.
 */
export class FileDeepStorage implements DeepStorage {
  readonly #root: string;
  readonly #calls: FileCalls;

  private constructor(root: string, calls: FileCalls) {
    this.#root = root;
    this.#calls = calls;
  }

  /** Creates the folder when it is missing. @throws DEEP_STORAGE_UNAVAILABLE, DEEP_STORAGE_DENIED. */
  static async open(root: string, calls: FileCalls = nodeFileCalls): Promise<FileDeepStorage> {
    await fileCall(root, () => calls.mkdir(join(root, incoming)));
    return new FileDeepStorage(root, calls);
  }

  async put(
    digest: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<DeepFile> {
    const path = this.#pathOf(digest);
    const stored = await this.stat(digest);
    if (stored !== undefined) return stored;
    const temporary = join(this.#root, incoming, `${digest}.${randomUUID()}`);
    try {
      const sizeBytes = await this.#write(
        temporary,
        verified(content, digest, deepUploadMismatch),
        signal,
      );
      await this.#publish(temporary, path, digest);
      await this.#calls.remove(this.#asideOf(digest)).catch(() => {}); // Mostly there is none.
      return { digest, sizeBytes };
    } catch (error) {
      await this.#calls.remove(temporary).catch(() => {}); // Otherwise `sweep` does.
      throw error;
    }
  }

  async *get(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const path = this.#pathOf(digest);
    const stored = await this.stat(digest);
    if (stored === undefined) throw deepFileNotStored(digest);
    const content = resuming({
      sizeBytes: stored.sizeBytes,
      from: (position) => this.#read(path, digest, position, signal),
      mayResume: (error) => codeOf(error) === 'ESTALE',
      failure: (cause) => deepStorageUnavailable(path, cause),
    });
    yield* verified(content, digest, deepFileCorrupt);
  }

  async stat(digest: string): Promise<DeepFile | undefined> {
    const path = this.#pathOf(digest);
    const found = await fileCall(path, () => this.#calls.stat(path));
    return found?.isFile ? { digest, sizeBytes: found.sizeBytes } : undefined;
  }

  async *list(signal: AbortSignal): AsyncIterable<DeepFile> {
    for (const shard of (await this.#namesIn(this.#root)).filter(isShard)) {
      for (const digest of (await this.#namesIn(join(this.#root, shard))).filter(isDigest)) {
        signal.throwIfAborted();
        const found = await this.stat(digest);
        if (found !== undefined) yield found;
      }
    }
  }

  async delete(digest: string): Promise<boolean> {
    const isRemoved = await this.#remove(this.#pathOf(digest));
    const isAsideRemoved = await this.#remove(this.#asideOf(digest));
    return isRemoved || isAsideRemoved;
  }

  async setAside(digest: string): Promise<boolean> {
    const [path, aside] = [this.#pathOf(digest), this.#asideOf(digest)];
    await fileCall(aside, () => this.#calls.mkdir(dirname(aside)));
    const moved = await fileCall(path, async () => {
      await this.#calls.rename(path, aside);
      return true;
    });
    if (moved === undefined) return false;
    await this.#syncFolder(dirname(aside));
    await this.#syncFolder(dirname(path));
    return true;
  }

  async *listSetAside(signal: AbortSignal): AsyncIterable<DeepFile> {
    for (const digest of (await this.#namesIn(join(this.#root, quarantine))).filter(isDigest)) {
      signal.throwIfAborted();
      const path = this.#asideOf(digest);
      const found = await fileCall(path, () => this.#calls.stat(path));
      if (found?.isFile) yield { digest, sizeBytes: found.sizeBytes };
    }
  }

  async sweep(beforeMs: number, signal: AbortSignal): Promise<number> {
    const folder = join(this.#root, incoming);
    let swept = 0;
    for (const name of await this.#namesIn(folder)) {
      signal.throwIfAborted();
      const path = join(folder, name);
      const found = await fileCall(path, () => this.#calls.stat(path));
      if (found === undefined || found.writtenMs >= beforeMs) continue;
      await fileCall(path, () => this.#calls.remove(path));
      swept++;
    }
    return swept;
  }

  async #write(
    path: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<number> {
    const file = await this.#calls.open(path, 'wx').catch((error) => {
      throw failureOf(path, error);
    });
    let sizeBytes = 0;
    try {
      for await (const chunk of content) {
        signal.throwIfAborted();
        await writeAll(file, chunk, path);
        sizeBytes += chunk.length;
      }
      await file.sync().catch((error) => {
        throw failureOf(path, error);
      });
    } catch (error) {
      await file.close().catch(() => {}); // The first failure is the one to report.
      throw error;
    }
    await file.close().catch((error) => {
      throw failureOf(path, error);
    });
    return sizeBytes;
  }

  /** Makes a written file visible. A rename that a server did but did not confirm is repeated and finds nothing: then it is there. */
  async #publish(temporary: string, path: string, digest: string): Promise<void> {
    const folder = join(this.#root, shardOf(digest));
    await fileCall(folder, () => this.#calls.mkdir(folder));
    const renamed = await fileCall(path, async () => {
      await this.#calls.rename(temporary, path);
      return true;
    });
    if (renamed === undefined && (await this.stat(digest)) === undefined) {
      throw deepStorageUnavailable(path, new Error('the written file has vanished'));
    }
    await this.#syncFolder(folder);
    await this.#syncFolder(this.#root);
  }

  async *#read(
    path: string,
    digest: string,
    start: number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const file = await fileCall(path, () => this.#calls.open(path, 'r'));
    if (file === undefined) throw deepFileNotStored(digest);
    try {
      for (let position = start; ; ) {
        signal.throwIfAborted();
        const { bytesRead, buffer } = await file
          .read(new Uint8Array(readBytes), 0, readBytes, position)
          .catch((error) => {
            throw codeOf(error) === 'ESTALE' ? error : failureOf(path, error);
          });
        if (bytesRead === 0) return;
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close().catch(() => {}); // Nothing was written.
    }
  }

  /** In order; a folder that is missing is empty. */
  async #namesIn(folder: string): Promise<string[]> {
    return ((await fileCall(folder, () => this.#calls.readdir(folder))) ?? []).sort();
  }

  /** False when there was no such file. */
  async #remove(path: string): Promise<boolean> {
    const removed = await fileCall(path, async () => {
      await this.#calls.remove(path);
      return true;
    });
    if (removed === undefined) return false;
    await this.#syncFolder(dirname(path));
    return true;
  }

  async #syncFolder(folder: string): Promise<void> {
    await fileCall(folder, async () => {
      const handle = await this.#calls.open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  #pathOf(digest: string): string {
    return join(this.#root, shardOf(checkDigest(digest)), digest);
  }

  #asideOf(digest: string): string {
    return join(this.#root, quarantine, checkDigest(digest));
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, written).catch((error) => {
      throw failureOf(path, error);
    });
    written += bytesWritten;
  }
}
