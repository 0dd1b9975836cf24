import type { CuboidScanner, ScanOptions, SnapshotReader } from '@tessera/client';
import { batchBytes, type ColumnBatch } from '@tessera/columnar';
import type { MatchedBlock } from '@tessera/cube';
import type { ParameterValues } from '@tessera/sql';
import { inSpan } from '@tessera/telemetry';
import type { StatementMemory } from '../admission/memory-budget.ts';
import type { QueryLimits } from '../admission/running-query.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { resultTooLarge } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';
import { readSnapshot } from './read-snapshot.ts';
import { scanBlock } from './scan-block.ts';
import type { SourceExecutor, SourceLimits } from './source-executor.ts';
import type { RejectedRows } from './source-tables.ts';

export interface ExecuteContext {
  readonly snapshot: CatalogSnapshot;
  readonly parameters: ParameterValues;
  readonly timeZone: string;
  readonly limits: QueryLimits;
  /** True: it is one of the few heavy statements, which leave connections of DuckDB to the small ones. */
  readonly heavy: boolean;
  readonly signal: AbortSignal;
  readonly memory: StatementMemory;
  /** Told of work that goes on after the statement has ended. */
  readonly outlivedBy: (work: Promise<unknown>) => void;
  /** Told of rows of the tables that were read that did not parse. */
  readonly onRejectedRows: RejectedRows;
  /** Told of calls to storage daemons, where there are several. */
  readonly onDaemonWork?: ScanOptions['onDaemonWork'];
}

/** Runs plans: scans of cuboids, snapshots of lookups and push-down of what they do not cover in parallel, then the residual over both. */
export class Executor {
  readonly #scanner: CuboidScanner;
  readonly #snapshots: SnapshotReader;
  readonly #source: SourceExecutor;

  constructor(parts: {
    readonly scanner: CuboidScanner;
    readonly snapshots: SnapshotReader;
    readonly source: SourceExecutor;
  }) {
    this.#scanner = parts.scanner;
    this.#snapshots = parts.snapshots;
    this.#source = parts.source;
  }

  /** @throws Unreadable for a file to be left out of the next plan; RESULT_TOO_LARGE, SOURCE_CHANGED */
  async run(plan: Plan, context: ExecuteContext): Promise<ColumnBatch> {
    const { parameters, limits } = context;
    const failed = new AbortController();
    const signal = AbortSignal.any([context.signal, failed.signal]);
    const parallel = { ...context, signal };
    let inputs: ReadonlyMap<string, ColumnBatch>;
    try {
      inputs = new Map(
        await Promise.all(
          plan.blocks.map(
            async (block) => [block.relation, await this.#block(block, parallel)] as const,
          ),
        ),
      );
    } catch (error) {
      failed.abort(error); // The other parts are of no use any more.
      context.signal.throwIfAborted();
      throw error;
    }
    context.signal.throwIfAborted();
    const batch =
      plan.compiled === undefined
        ? await inSpan('residual', { 'tessera.engine': 'duckdb' }, () =>
            this.#residual(plan, inputs, context),
          )
        : {
            ...inSpan('residual', { 'tessera.engine': 'compiled' }, () =>
              plan.compiled!(inputs, parameters),
            ),
            schema: plan.schema,
          };
    if (batch.rowCount > limits.maxRows) throw resultTooLarge('rows', limits.maxRows);
    const bytes = batchBytes(batch);
    if (bytes > limits.maxBytes) throw resultTooLarge('bytes', limits.maxBytes);
    context.memory.hold(bytes);
    context.memory.keepOnly(bytes); // The inputs are let go now.
    return batch;
  }

  #block(block: MatchedBlock, context: ExecuteContext): Promise<ColumnBatch> {
    const { parameters, signal, limits, memory, onDaemonWork } = context;
    const { maxBytes } = limits;
    if (block.snapshot !== undefined) {
      const { snapshot, schema } = block;
      return inSpan('snapshot', { 'tessera.snapshot': snapshot.name }, () =>
        readSnapshot(snapshot, schema, this.#snapshots, signal),
      );
    }
    const holes = block.holes && this.#holes(block, block.holes, context);
    const told = onDaemonWork && { onDaemonWork };
    const scanning = { scanner: this.#scanner, parameters, signal, maxBytes, memory, ...told };
    return scanBlock(block, scanning, holes);
  }

  #holes(
    block: MatchedBlock,
    { query }: NonNullable<MatchedBlock['holes']>,
    context: ExecuteContext,
  ): Promise<ColumnBatch> {
    const { snapshot, signal, parameters, timeZone } = context;
    const statement = { query, schema: block.schema, inputs: new Map(), parameters, timeZone };
    return inSpan('push-down', {}, () =>
      this.#source.run(statement, snapshot, readingOf(context), signal),
    );
  }

  #residual(
    plan: Plan,
    inputs: ReadonlyMap<string, ColumnBatch>,
    context: ExecuteContext,
  ): Promise<ColumnBatch> {
    const { snapshot, signal, parameters, timeZone } = context;
    const { residual: query, schema } = plan;
    const statement = { query, schema, inputs, parameters, timeZone };
    return this.#source.run(statement, snapshot, readingOf(context), signal);
  }
}

function readingOf(context: ExecuteContext): SourceLimits {
  const { limits, memory, heavy, outlivedBy, onRejectedRows } = context;
  return { ...limits, memory, heavy, outlivedBy, onRejectedRows };
}
