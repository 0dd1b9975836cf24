import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { orDiskFull } from '@tessera/daemon';

/** Folder of files that are not whole yet, below the store's; what a process that died has left in it means nothing. */
export const incomingFolder = 'incoming';

/** A file that comes in piece by piece, where nobody sees it. Disposing deletes it, unless it was moved away. */
export class IncomingFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #sizeBytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws DISK_FULL. */
  static async create(root: string): Promise<IncomingFile> {
    const path = join(root, incomingFolder, randomUUID());
    return new IncomingFile(path, await orDiskFull(path, () => open(path, 'wx')));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** SHA-256 of what has come so far, in hexadecimal. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** @throws DISK_FULL. */
  async append(data: Uint8Array): Promise<void> {
    await orDiskFull(this.path, async () => {
      for (let written = 0; written < data.length; ) {
        const rest = data.length - written;
        const { bytesWritten } = await this.#handle.write(
          data,
          written,
          rest,
          this.#sizeBytes + written,
        );
        written += bytesWritten;
      }
    });
    this.#hash.update(data);
    this.#sizeBytes += data.length;
  }

  /** Forgets what has come. */
  async reset(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    await rm(this.path, { force: true });
  }
}
