import type { ColumnBatch } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { type DuckDb, quoteText } from '@tessera/duckdb';
import type { FileStore } from '../files/file-store.ts';
import { setAsideDamaged } from '../files/set-aside.ts';
import { type LayoutFile, pathOfLayout, projectOf, storedName } from './layout-file.ts';
import { scanStatement } from './scan-sql.ts';
import type { SnapshotTables } from './snapshot-tables.ts';

/** Scans of stored files by DuckDB: of what is not in memory, and of plans that tiles are not for. */
export class FileScanner {
  readonly #files: FileStore;
  readonly #database: DuckDb;
  readonly #snapshots: SnapshotTables;

  constructor(parts: {
    readonly files: FileStore;
    readonly database: DuckDb;
    readonly snapshots: SnapshotTables;
  }) {
    this.#files = parts.files;
    this.#database = parts.database;
    this.#snapshots = parts.snapshots;
  }

  /** Of a plan without parameters. @throws LAYOUT_NOT_STORED, LAYOUT_CORRUPTED, SNAPSHOT_NOT_STORED, BAD_SCAN_PLAN. */
  async *scan(
    plan: ScanPlan,
    files: readonly LayoutFile[],
    signal: AbortSignal,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    using held = new DisposableStack();
    const snapshots = await this.#leaseSnapshots(plan, held);
    const paths: string[] = [];
    for (const file of files) {
      paths.push(held.use(await this.#files.hold(storedName(file))).path);
    }
    const from = `read_parquet([${paths.map(quoteText).join(', ')}])`;
    const { sql, schema } = scanStatement(plan, { from, snapshots });
    const { timeZone } = plan;
    const flow = projectOf(plan.cube);
    try {
      yield* this.#database.batches(sql, [], { signal, schema, timeZone, flow });
    } catch (error) {
      throw await setAsideDamaged(this.#files, files.map(pathOfLayout), error);
    }
  }

  async #leaseSnapshots(plan: ScanPlan, held: DisposableStack): Promise<Map<string, string>> {
    const tables = new Map<string, string>();
    const project = projectOf(plan.cube);
    for (const { alias, snapshot } of plan.lookups) {
      const { table, release } = await this.#snapshots.lease(project, snapshot);
      held.defer(release);
      tables.set(alias, table);
    }
    return tables;
  }
}
