import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataType, rowsOf, type Value } from '@tessera/columnar';
import { layoutRelation, type ScanPlan, type SegmentRead } from '@tessera/cube';
import { digestOf } from '@tessera/daemon';
import { DuckDb, quoteText } from '@tessera/duckdb';
import type { Expr } from '@tessera/sql';
import { type ComposedStorage, composeStorage, type StorageDependencies } from './composition.ts';
import type { StorageConfigInput } from './config.ts';
import type { StagedFile } from './files/ingest.ts';

export const cube = 'projects/p/cubes/sales';

/** A storage daemon over a folder of its own, and DuckDB to write Parquet with and to ask for the right answer. */
export class StorageFixture implements AsyncDisposable {
  readonly folder: string;
  readonly oracle: DuckDb;
  storage: ComposedStorage;
  #ingests = 0;

  private constructor(folder: string, oracle: DuckDb, storage: ComposedStorage) {
    this.folder = folder;
    this.oracle = oracle;
    this.storage = storage;
  }

  static async open(
    config: Partial<StorageConfigInput> = {},
    dependencies: StorageDependencies = {},
  ): Promise<StorageFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-storage-'));
    const oracle = await DuckDb.open({ threads: 1 });
    const storage = await composeStorage({ directory: folder, ...config }, dependencies);
    return new StorageFixture(folder, oracle, storage);
  }

  get daemon() {
    return this.storage.daemon;
  }

  async restart(config: Partial<StorageConfigInput> = {}): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    this.storage = await composeStorage({ directory: this.folder, ...config });
  }

  /** Writes the rows of a query into a staging directory. */
  async stage(
    directory: string,
    file: Pick<StagedFile, 'kind' | 'id'> & { readonly segment?: string },
    query: string,
  ): Promise<StagedFile> {
    const stagedPath = `${file.kind}-${file.segment ?? ''}-${file.id}.parquet`;
    const path = join(directory, stagedPath);
    await this.oracle.execute(`COPY (${query}) TO ${quoteText(path)} (FORMAT parquet)`);
    const count = `SELECT num_rows FROM parquet_file_metadata(${quoteText(path)})`;
    const rowCount = rowsOf(await this.oracle.run(count))[0]![0] as bigint;
    const sizeBytes = BigInt((await stat(path)).size);
    return { ...file, stagedPath, fileDigest: await digestOf(path), sizeBytes, rowCount };
  }

  /** Takes one file in; gives back what a scan plan needs to name it and where it is. */
  async store(
    file: Pick<StagedFile, 'kind' | 'id'> & { readonly segment?: string },
    query: string,
  ): Promise<SegmentRead & { readonly file: string }> {
    const prepared = await this.daemon.prepareIngest(cube, `key ${this.#ingests++}`);
    const staged = await this.stage(prepared.stagingDirectory, file, query);
    const [done] = await this.daemon.commitIngest(prepared.ingest, [staged]);
    return { id: file.segment ?? '', fileDigest: staged.fileDigest, file: done!.file };
  }

  async scan(plan: ScanPlan, parameters: readonly Value[] = []): Promise<Value[][]> {
    const rows: Value[][] = [];
    const signal = new AbortController().signal;
    for await (const batch of this.daemon.scan(plan, { parameters, signal })) {
      rows.push(...rowsOf(batch));
    }
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    await this.oracle[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export const text: DataType = { kind: 'text' };
export const integer: DataType = { kind: 'integer' };
export const bigint: DataType = { kind: 'bigint' };
export const double: DataType = { kind: 'double' };
export const numeric: DataType = { kind: 'numeric', precision: 38, scale: 2 };

export const col = (name: string, type: DataType, relation: string = layoutRelation): Expr => ({
  kind: 'column',
  relation,
  name,
  type,
});
export const lit = (type: DataType, value: Value): Expr => ({ kind: 'literal', type, value });
export const param = (index: number, type: DataType): Expr => ({ kind: 'parameter', index, type });
export const call = (fn: string, ...args: Expr[]): Expr => ({
  kind: 'call',
  fn,
  args,
  type: { kind: 'boolean' },
});

export function planOf(
  layout: string,
  segments: readonly SegmentRead[],
  rest: Partial<ScanPlan>,
): ScanPlan {
  const reads = segments.map(({ id, fileDigest }) => ({ id, fileDigest }));
  return { cube, layout, segments: reads, lookups: [], groupBy: [], aggregates: [], ...rest };
}

/** Order of rows has no meaning without topK. */
export function sorted(rows: readonly (readonly Value[])[]): string[] {
  const show = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
  return rows.map((row) => JSON.stringify(row, show)).sort();
}

export function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => 'no failure',
    (error: { readonly reason?: string; readonly message: string }) =>
      error.reason ?? error.message,
  );
}
