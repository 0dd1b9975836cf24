import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { orDiskFull } from '@tessera/daemon';

/** A file that comes in piece by piece, and may be gone on with where an earlier life of the daemon left it. */
export class PartialArtifact implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  #hash: Hash;
  #sizeBytes: number;

  private constructor(path: string, file: FileHandle, came: { hash: Hash; sizeBytes: number }) {
    this.path = path;
    this.#file = file;
    this.#hash = came.hash;
    this.#sizeBytes = came.sizeBytes;
  }

  /** What is more than `sizeBytes` is forgotten: it cannot be the beginning of the file. @throws DISK_FULL. */
  static async open(path: string, sizeBytes: number): Promise<PartialArtifact> {
    const file = await orDiskFull(path, () => open(path, 'a', 0o555));
    try {
      if ((await file.stat()).size > sizeBytes) await truncate(path, 0);
      return new PartialArtifact(path, file, await read(path));
    } catch (error) {
      await file.close();
      throw error;
    }
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
    await orDiskFull(this.path, () => this.#file.appendFile(data));
    this.#hash.update(data);
    this.#sizeBytes += data.length;
  }

  /** Forgets what has come. */
  async reset(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

async function read(path: string): Promise<{ hash: Hash; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { hash, sizeBytes };
}
