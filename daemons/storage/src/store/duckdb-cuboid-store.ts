import { isTesseraError, parseResourceName } from '@tessera/base';
import type { ColumnBatch, Value } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { type DuckDb, quoteName } from '@tessera/duckdb';
import { layoutCorrupted, scanQueueFull } from '../errors.ts';
import type { FileStore, HeldFile } from '../files/file-store.ts';
import type { CuboidStore, LayoutFile, MemoryUsage, WarmUpOutcome } from './cuboid-store.ts';
import { emptyScan } from './empty-scan.ts';
import { parquetSource } from './layout-table.ts';
import { pathOfLayout, type ResidentLayouts, storedName } from './resident-layouts.ts';
import { bindSources } from './scan-parameters.ts';
import { type ScanInput, scanStatement } from './scan-sql.ts';

/**
 * Scans by DuckDB: of layouts in memory where they are loaded, else straight from their verified files; then
 * they are loaded in the background if the budget has room for what they are worth.
 */
export class DuckDbCuboidStore implements CuboidStore {
  readonly #files: FileStore;
  readonly #database: DuckDb;
  readonly #resident: ResidentLayouts;

  constructor(options: {
    readonly files: FileStore;
    readonly database: DuckDb;
    readonly resident: ResidentLayouts;
  }) {
    this.#files = options.files;
    this.#database = options.database;
    this.#resident = options.resident;
  }

  async *execute(
    plan: ScanPlan,
    parameters: readonly Value[],
    signal: AbortSignal,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    signal.throwIfAborted();
    if (plan.segments.length === 0 || plan.aggregates.length + plan.groupBy.length === 0) {
      yield emptyScan(plan);
      return;
    }
    using held = new DisposableStack();
    const input = await this.#input(plan, held);
    const statement = scanStatement(plan, input);
    const options = {
      signal,
      schema: statement.schema,
      cached: input.columns !== undefined,
      timeZone: plan.timeZone,
    };
    const bound = bindSources(statement.parameters, parameters);
    try {
      yield* this.#database.batches(statement.sql, bound, options);
    } catch (error) {
      throw await this.#failure(error, plan);
    }
  }

  async #input(plan: ScanPlan, held: DisposableStack): Promise<ScanInput> {
    const snapshots = await this.#snapshots(plan, held);
    const table = this.#resident.lease(plan);
    if (table !== undefined) {
      held.defer(table.release);
      return {
        from: quoteName(table.table.name),
        where: table.table.segmentFilter(table.segmentKeys),
        columns: table.table.columns,
        snapshots,
      };
    }
    const files: HeldFile[] = [];
    for (const file of filesOf(plan))
      files.push(held.use(await this.#files.hold(storedName(file))));
    this.#resident.want(filesOf(plan));
    return { from: parquetSource(files), snapshots };
  }

  async #snapshots(plan: ScanPlan, held: DisposableStack): Promise<Map<string, string>> {
    const tables = new Map<string, string>();
    for (const { alias, snapshot } of plan.lookups) {
      const { project } = parseResourceName(plan.cube, 'projects/{project}/cubes/{cube}');
      const leased = await this.#resident.leaseSnapshot(project!, snapshot);
      held.defer(leased.release);
      tables.set(alias, quoteName(leased.name));
    }
    return tables;
  }

  /** What DuckDB found damaged is checked against its digest; a file that changed under a scan is set aside. */
  async #failure(error: unknown, plan: ScanPlan): Promise<unknown> {
    if (isTesseraError(error, 'QUERY_QUEUE_FULL')) return scanQueueFull(error);
    if (!isTesseraError(error, 'FILE_CORRUPT') && !isTesseraError(error, 'FILE_MISSING'))
      return error;
    const files = filesOf(plan).map(pathOfLayout);
    for (const file of files) {
      const { quarantinedFiles } = await this.#files.verify([file]);
      if (quarantinedFiles.length > 0) return layoutCorrupted(file, 'found while reading');
    }
    return error;
  }

  warmUp(files: readonly LayoutFile[], signal: AbortSignal): Promise<WarmUpOutcome> {
    return this.#resident.warmUp(files, signal);
  }

  pin(cube: string, layouts: readonly string[], pinned: boolean): readonly string[] {
    return this.#resident.pin(cube, layouts, pinned);
  }

  forget(file: LayoutFile): void {
    this.#resident.forget(file);
  }

  usage(): MemoryUsage {
    return this.#resident.usage();
  }
}

function filesOf(plan: ScanPlan): LayoutFile[] {
  return plan.segments.map(({ id, fileDigest }) => ({
    cube: plan.cube,
    layout: plan.layout,
    segment: id,
    fileDigest,
  }));
}
