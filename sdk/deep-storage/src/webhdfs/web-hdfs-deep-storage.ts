import { randomUUID } from 'node:crypto';
import type { DeepFile, DeepStorage } from '@tessera/base';
import { checkDigest, isDigest, isShard, shardOf, verified } from '../digests.ts';
import {
  deepFileCorrupt,
  deepFileNotStored,
  deepStorageUnavailable,
  deepUploadMismatch,
} from '../errors.ts';
import { resuming } from '../resuming.ts';
import { UploadSource } from './upload-source.ts';
import { type HdfsFile, WebHdfsClient, type WebHdfsOptions } from './web-hdfs-client.ts';
import { failureOf, isMissing } from './web-hdfs-error.ts';

/** Uploads that are not whole yet. */
const incoming = 'incoming';
/** Damaged files, until they are stored again. */
const quarantine = 'quarantine';

/**
 * Deep storage in HDFS over WebHDFS, with a user's name instead of Kerberos: `{2 digits}/{digest}` below a folder. A file is
 * written under another name, compared in size, and renamed, which in HDFS never overwrites.
 */
export class WebHdfsDeepStorage implements DeepStorage {
  readonly #client: WebHdfsClient;
  readonly #where: string;

  constructor(options: WebHdfsOptions) {
    this.#client = new WebHdfsClient(options);
    this.#where = `${options.nameNodes.join(', ')} ${options.directory}`;
  }

  async put(
    digest: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<DeepFile> {
    const path = pathOf(digest);
    const stored = await this.stat(digest, signal);
    if (stored !== undefined) return stored;
    const temporary = `${incoming}/${digest}.${randomUUID()}`;
    try {
      const sizeBytes = await this.#upload(
        temporary,
        verified(content, digest, deepUploadMismatch),
        signal,
      );
      await this.#publish(temporary, path, { digest, sizeBytes }, signal);
      await this.#client.delete(asideOf(digest), signal).catch(() => {}); // Mostly there is none.
      return { digest, sizeBytes };
    } catch (error) {
      await this.#client.delete(temporary, AbortSignal.timeout(10_000)).catch(() => {}); // Otherwise `sweep` does.
      throw error;
    }
  }

  async *get(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const path = pathOf(digest);
    const stored = await this.stat(digest, signal);
    if (stored === undefined) throw deepFileNotStored(digest);
    const content = resuming({
      sizeBytes: stored.sizeBytes,
      from: (position) => this.#client.read(path, position, signal),
      mayResume: (error) => !signal.aborted && !isMissing(error),
      failure: (cause) => failureOf(this.#where, cause),
    });
    try {
      yield* verified(content, digest, deepFileCorrupt);
    } catch (error) {
      throw isMissing(error) ? deepFileNotStored(digest) : error;
    }
  }

  async stat(digest: string, signal: AbortSignal): Promise<DeepFile | undefined> {
    const path = pathOf(digest);
    const found = await this.#known(signal, () => this.#client.status(path, signal));
    return found?.isFile ? { digest, sizeBytes: found.sizeBytes } : undefined;
  }

  async *list(signal: AbortSignal): AsyncIterable<DeepFile> {
    for (const shard of await this.#entries('', signal)) {
      if (!isShard(shard.name)) continue;
      for (const { name, isFile, sizeBytes } of await this.#entries(shard.name, signal)) {
        if (isFile && isDigest(name)) yield { digest: name, sizeBytes };
      }
    }
  }

  async delete(digest: string, signal: AbortSignal): Promise<boolean> {
    const isDeleted = await this.#delete(pathOf(digest), signal);
    const isAsideDeleted = await this.#delete(asideOf(digest), signal);
    return isDeleted || isAsideDeleted;
  }

  /** A rename that the server did but did not confirm finds nothing when it is repeated: then it is aside as well. */
  async setAside(digest: string, signal: AbortSignal): Promise<boolean> {
    const [path, aside] = [pathOf(digest), asideOf(digest)];
    if ((await this.stat(digest, signal)) === undefined) return false;
    await this.#known(signal, () => this.#client.makeFolder(quarantine, signal));
    await this.#delete(aside, signal); // An older one: a rename never overwrites.
    await this.#known(signal, () => this.#client.rename(path, aside, signal));
    if ((await this.stat(digest, signal)) === undefined) return true;
    throw deepStorageUnavailable(this.#where, new Error(`${digest} could not be set aside`));
  }

  async *listSetAside(signal: AbortSignal): AsyncIterable<DeepFile> {
    for (const { name, isFile, sizeBytes } of await this.#entries(quarantine, signal)) {
      if (isFile && isDigest(name)) yield { digest: name, sizeBytes };
    }
  }

  async sweep(beforeMs: number, signal: AbortSignal): Promise<number> {
    const old = (await this.#entries(incoming, signal)).filter((file) => file.writtenMs < beforeMs);
    let swept = 0;
    for (const { name } of old) {
      const deleted = await this.#known(signal, () =>
        this.#client.delete(`${incoming}/${name}`, signal),
      );
      if (deleted === true) swept++;
    }
    return swept;
  }

  /** Writes a file and makes sure that all of it arrived; returns its size. */
  async #upload(
    path: string,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<number> {
    const source = new UploadSource(content);
    await this.#client.create(path, source, signal).catch((error) => {
      signal.throwIfAborted();
      throw source.failure === undefined ? failureOf(this.#where, error) : source.failure.error;
    });
    const written = await this.#known(signal, () => this.#client.status(path, signal));
    if (written?.sizeBytes === source.sizeBytes) return source.sizeBytes;
    const arrived = `${written?.sizeBytes ?? 0} of ${source.sizeBytes} bytes arrived`;
    throw deepStorageUnavailable(this.#where, new Error(arrived));
  }

  /** Makes a written file visible. Who renames second, or again after an answer was lost, finds the same file there. */
  async #publish(
    temporary: string,
    path: string,
    file: DeepFile,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#known(signal, () => this.#client.makeFolder(shardOf(file.digest), signal));
    const renamed = await this.#known(signal, () => this.#client.rename(temporary, path, signal));
    if (renamed === true) return;
    const there = await this.stat(file.digest, signal);
    if (there === undefined) {
      throw deepStorageUnavailable(this.#where, new Error('the written file has vanished'));
    }
    await this.#known(signal, () => this.#client.delete(temporary, signal));
  }

  /** False when there was no such file. */
  async #delete(path: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#known(signal, () => this.#client.delete(path, signal))) ?? false;
  }

  /** A folder that is missing is empty. */
  async #entries(path: string, signal: AbortSignal): Promise<readonly HdfsFile[]> {
    return (await this.#known(signal, () => this.#client.entries(path, signal))) ?? [];
  }

  /** What a call gives; `undefined` when its file is missing. @throws the failures of deep storage. */
  async #known<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (isMissing(error)) return undefined;
      throw failureOf(this.#where, error);
    }
  }
}

function pathOf(digest: string): string {
  return `${shardOf(checkDigest(digest))}/${digest}`;
}

function asideOf(digest: string): string {
  return `${quarantine}/${checkDigest(digest)}`;
}
