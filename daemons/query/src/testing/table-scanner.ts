import type { CuboidScanner, ScanOptions, SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch, Schema } from '@tessera/columnar';
import {
  layoutRelation,
  type Model,
  partitionPredicate,
  type ScanAggregate,
  type ScanPlan,
  type SegmentRange,
  type WantedLayout,
} from '@tessera/cube';
import { type DuckDb, duckdbType, printExpr, quoteName } from '@tessera/duckdb';
import type { Expr } from '@tessera/sql';
import { withValues } from '../plan/with-values.ts';

/** Layouts and snapshots as tables of a DuckDB, and a scanner over them. `fail` hooks stand for what can go wrong. */
export class TableScanner implements CuboidScanner, SnapshotReader {
  /** By layout: columns are read off it when no segment is scanned. */
  readonly #someSegment = new Map<string, string>();
  readonly #duckdb: DuckDb;
  readonly scans: ScanPlan[] = [];
  fail: (plan: ScanPlan) => unknown = () => undefined;
  failSnapshot: (read: SnapshotRead) => unknown = () => undefined;

  constructor(duckdb: DuckDb) {
    this.#duckdb = duckdb;
  }

  /** Fills one layout of one segment from the tables `from`, joined as the model joins them. */
  async build(
    model: Model,
    layout: WantedLayout,
    segment: string,
    range: SegmentRange,
    from: string,
  ) {
    this.#someSegment.set(layout.id, segment);
    const where = model.partition && partitionPredicate(model.partition, range);
    const dimensions = layout.dimensions.map((name) => {
      const { expr } = model.dimensions.find((dimension) => dimension.name === name)!;
      return `${printExpr(expr)} AS ${quoteName(name)}`;
    });
    const parts = layout.parts.map(({ column, fn, arg, filter, type }) => {
      const of = arg === undefined ? '*' : printExpr(arg);
      const only = filter === undefined ? '' : ` FILTER (WHERE ${printExpr(filter)})`;
      return `CAST(${fn}(${of})${only} AS ${duckdbType(type)}) AS ${quoteName(column)}`;
    });
    const by = dimensions.length === 0 ? '' : `GROUP BY ${dimensions.map((_, i) => i + 1)}`;
    await this.#duckdb.execute(
      `CREATE OR REPLACE TABLE ${tableOf(layout.id, segment)} AS SELECT ${[...dimensions, ...parts]}
       FROM ${from} ${where === undefined ? '' : `WHERE ${printExpr(where)}`} ${by}`,
    );
  }

  async *readSnapshot(read: SnapshotRead, signal: AbortSignal): AsyncIterable<ColumnBatch> {
    const failure = this.failSnapshot(read);
    if (failure !== undefined) throw failure;
    const table = read.snapshot.slice(read.snapshot.lastIndexOf('/') + 1);
    const names = read.columns.map(({ name }) => quoteName(name));
    const schema = read.columns.map((column) => ({ ...column, nullable: true }));
    yield* this.#duckdb.stream(`SELECT ${names} FROM ${quoteName(table)}`, [], { schema, signal });
  }

  async *scan(plan: ScanPlan, { parameters, signal }: ScanOptions): AsyncIterable<ColumnBatch> {
    this.scans.push(plan);
    const failure = this.fail(plan);
    if (failure !== undefined) throw failure;
    const print = (expr: Expr) => printExpr(withValues(expr, parameters));
    const read = plan.segments.map(({ id }) => `SELECT * FROM ${tableOf(plan.layout, id)}`);
    const none = `SELECT * FROM ${tableOf(plan.layout, this.#someSegment.get(plan.layout)!)} LIMIT 0`;
    const tables = read.length > 0 ? read : [none];
    const outputs = [
      ...plan.groupBy.map(({ name, expr }) => `${print(expr)} AS ${quoteName(name)}`),
      ...plan.aggregates.map((each) => `${aggregateSql(each, print)} AS ${quoteName(each.name)}`),
    ];
    const where = plan.filter === undefined ? '' : `WHERE ${print(plan.filter)}`;
    const by = plan.groupBy.length === 0 ? '' : `GROUP BY ${plan.groupBy.map((_, i) => i + 1)}`;
    const sql = `SELECT ${outputs} FROM (${tables.join(' UNION ALL ')}) AS ${layoutRelation} ${where} ${by}`;
    const schema: Schema = [
      ...plan.groupBy.map(({ name, expr }) => ({ name, type: expr.type, nullable: true })),
      ...plan.aggregates.map(({ name, type }) => ({ name, type, nullable: true })),
    ];
    yield await this.#duckdb.run(sql, [], { schema, signal, timeZone: plan.timeZone });
  }
}

function tableOf(layout: string, segment: string): string {
  return quoteName(`${layout}@${segment}`);
}

function aggregateSql(
  { fn, args, filter, type }: ScanAggregate,
  print: (e: Expr) => string,
): string {
  const only = filter === undefined ? '' : ` FILTER (WHERE ${print(filter)})`;
  const of = args.map(print).join(', ');
  const text = fn === 'count_sum' ? `coalesce(sum(${of})${only}, 0)` : `${fn}(${of})${only}`;
  return `CAST(${text} AS ${duckdbType(type)})`;
}
