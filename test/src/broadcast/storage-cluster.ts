import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@tessera/client';
import { rowsOf } from '@tessera/columnar';
import type { SegmentRead } from '@tessera/cube';
import { silentLogger, startServer } from '@tessera/daemon';
import { DuckDb, quoteText } from '@tessera/duckdb';
import { RemoteStorageNode } from '@tessera/query';
import { type ComposedStorage, composeStorage, type StoredFileKind } from '@tessera/storage';

export const cube = 'projects/p/cubes/sales';

/** A real storage daemon that is served over gRPC on loopback. */
export interface ServedStorage {
  readonly storage: ComposedStorage;
  readonly node: RemoteStorageNode;
  readonly folder: string;
}

/** Storage daemons in this process, each with a folder and a port of its own, and DuckDB to write their files with. */
export class StorageCluster implements AsyncDisposable {
  readonly daemons: readonly ServedStorage[];
  readonly #writer: DuckDb;
  readonly #stack: AsyncDisposableStack;
  #ingests = 0;

  private constructor(
    daemons: readonly ServedStorage[],
    writer: DuckDb,
    stack: AsyncDisposableStack,
  ) {
    this.daemons = daemons;
    this.#writer = writer;
    this.#stack = stack;
  }

  static async open(daemonCount: number): Promise<StorageCluster> {
    await using stack = new AsyncDisposableStack();
    const writer = stack.use(await DuckDb.open({ threads: 1 }));
    const daemons: ServedStorage[] = [];
    for (let i = 0; i < daemonCount; i++) daemons.push(await serveStorage(`storage-${i}`, stack));
    return new StorageCluster(daemons, writer, stack.move());
  }

  /** Writes the rows of a query once and gives every one of the daemons the file. */
  async store(
    file: { readonly kind: StoredFileKind; readonly id: string; readonly segment?: string },
    query: string,
    daemons: readonly ServedStorage[] = this.daemons,
  ): Promise<SegmentRead> {
    let fileDigest = '';
    for (const { storage } of daemons) {
      const { ingest, stagingDirectory } = await storage.daemon.prepareIngest(
        cube,
        `key ${this.#ingests++}`,
      );
      const stagedPath = 'file.parquet';
      const path = join(stagingDirectory, stagedPath);
      await this.#writer.execute(`COPY (${query}) TO ${quoteText(path)} (FORMAT parquet)`);
      const count = `SELECT num_rows FROM parquet_file_metadata(${quoteText(path)})`;
      const rowCount = rowsOf(await this.#writer.run(count))[0]![0] as bigint;
      const sizeBytes = BigInt((await stat(path)).size);
      fileDigest = await digestOf(path);
      const staged = { segment: '', ...file, stagedPath, fileDigest, sizeBytes, rowCount };
      await storage.daemon.commitIngest(ingest, [staged]);
    }
    return { id: file.segment ?? '', fileDigest };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function serveStorage(name: string, stack: AsyncDisposableStack): Promise<ServedStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-cluster-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const storage = stack.use(await composeStorage({ directory: folder }));
  const { services } = storage;
  const server = await startServer({ address: '127.0.0.1:0', services, log: silentLogger });
  stack.use(server);
  const client = stack.use(connect(server.address));
  return { storage, folder, node: new RemoteStorageNode(name, client.storage) };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
