import type { Schema } from '@tessera/columnar';
import {
  layoutRelation,
  type ScanAggregate,
  type ScanPlan,
  scanRelation,
  scanSchema,
} from '@tessera/cube';
import { printExpr, quoteName } from '@tessera/duckdb';
import type { Expr } from '@tessera/sql';
import { badScanPlan } from '../errors.ts';

/** Where the rows of a scan are. */
export interface ScanInput {
  /** What stands in FROM for the layout. */
  readonly from: string;
  /** Table of each lookup, by alias. */
  readonly snapshots: ReadonlyMap<string, string>;
}

export interface ScanStatement {
  readonly sql: string;
  readonly schema: Schema;
}

/**
 * A scan plan without parameters as one DuckDB statement.
 * @throws BAD_SCAN_PLAN when it lacks what an aggregate or a lookup needs.
 */
export function scanStatement(plan: ScanPlan, input: ScanInput): ScanStatement {
  const parts = new ScanParts(plan, input);
  const select = selectOf(plan, parts);
  const sql = plan.topK === undefined ? select : topOf(plan.topK, select);
  return { sql, schema: scanSchema(plan) };
}

function selectOf(plan: ScanPlan, parts: ScanParts): string {
  const functions = new Set(plan.aggregates.map(({ fn }) => fn));
  if (functions.has('distinct') || functions.has('distinct_bits')) {
    return distinctSelect(plan, parts, functions.has('distinct_bits'));
  }
  if (functions.has('m2')) return deviationSelect(plan, parts);
  const keys = parts.keys();
  const aggregates = plan.aggregates.map((aggregate) => parts.aggregate(aggregate));
  return select([...keys, ...aggregates], parts.source(), keys.length);
}

/** The text of the pieces of a plan. */
class ScanParts {
  readonly #plan: ScanPlan;
  readonly #input: ScanInput;

  constructor(plan: ScanPlan, input: ScanInput) {
    this.#plan = plan;
    this.#input = input;
  }

  keys(): string[] {
    return this.#plan.groupBy.map(({ name, expr }) => `${printed(expr)} AS ${quoteName(name)}`);
  }

  aggregate({ name, fn, args, filter }: ScanAggregate): string {
    const only = filter === undefined ? '' : ` FILTER (WHERE ${printed(filter)})`;
    const arg = this.argument(args, 0);
    const text = fn === 'count_sum' ? `coalesce(sum(${arg})${only}, 0)` : `${fn}(${arg})${only}`;
    return `${text} AS ${quoteName(name)}`;
  }

  argument(args: ScanAggregate['args'], index: number): string {
    const arg = args[index];
    if (arg === undefined) throw badScanPlan(`an aggregate lacks its argument ${index + 1}`);
    return printed(arg);
  }

  /** FROM and WHERE. */
  source(): string {
    const joins = this.#plan.lookups.map((lookup) => {
      const table = this.#input.snapshots.get(lookup.alias);
      if (table === undefined) throw badScanPlan(`lookup ${lookup.alias} has no snapshot`);
      const alias = quoteName(lookup.alias);
      const on = lookup.on.map(
        ({ expr, column }) => `${printed(expr)} = ${alias}.${quoteName(column)}`,
      );
      return ` ${lookup.inner ? 'INNER' : 'LEFT'} JOIN ${table} AS ${alias} ON ${on.join(' AND ')}`;
    });
    const { filter } = this.#plan;
    const where = filter === undefined ? '' : ` WHERE ${printed(filter)}`;
    return `${this.#input.from} AS ${quoteName(layoutRelation)}${joins.join('')}${where}`;
  }
}

function printed(expr: Expr): string {
  return printExpr(expr, (relation, name) => `${quoteName(relation)}.${quoteName(name)}`);
}

function select(items: readonly string[], source: string, keyCount: number): string {
  return `SELECT ${items.join(', ')} FROM ${source}${groupBy(keyCount)}`;
}

function groupBy(keyCount: number): string {
  if (keyCount === 0) return '';
  return ` GROUP BY ${Array.from({ length: keyCount }, (_, i) => i + 1).join(', ')}`;
}

/** Words are merged per bucket first; their bits are counted, or handed on. */
function distinctSelect(plan: ScanPlan, parts: ScanParts, words: boolean): string {
  const keys = parts.keys();
  const names = plan.groupBy.map(({ name }) => quoteName(name));
  const [first] = plan.aggregates;
  if (plan.aggregates.some(({ fn }) => fn !== first!.fn)) {
    throw badScanPlan('distinct counts stand beside other aggregates');
  }
  const merged = plan.aggregates.map(({ args, filter }, i) => {
    const only = filter === undefined ? '' : ` FILTER (WHERE ${printed(filter)})`;
    return `bit_or(${parts.argument(args, 1)})${only} AS ${words ? '"bits"' : `"word ${i}"`}`;
  });
  const items = [...keys, `${parts.argument(first!.args, 0)} AS "bucket"`, ...merged];
  const perBucket = select(items, parts.source(), keys.length + 1);
  if (words) return `SELECT * FROM (${perBucket}) WHERE "bits" IS NOT NULL`;
  const counts = plan.aggregates.map(
    ({ name }, i) => `coalesce(sum(bit_count("word ${i}")), 0) AS ${quoteName(name)}`,
  );
  return select([...names, ...counts], `(${perBucket})`, names.length);
}

/**
 * Sums of squared deviations merge around the mean of their group: m2 = Σ m2ᵢ + Σ nᵢ·(meanᵢ − mean)². The mean
 * comes first, so nothing cancels where values are large and close together.
 */
function deviationSelect(plan: ScanPlan, parts: ScanParts): string {
  const keys = parts.keys();
  const names = plan.groupBy.map(({ name }) => quoteName(name));
  const partition = names.length === 0 ? '()' : `(PARTITION BY ${names.join(', ')})`;
  const columns: string[] = [];
  const means: string[] = [];
  const outputs = plan.aggregates.map((aggregate, i) => {
    const { fn, args, filter, name } = aggregate;
    const held = (index: number) => {
      const text = parts.argument(args, index);
      if (filter === undefined) return text;
      return `CASE WHEN ${printed(filter)} THEN ${text} END`;
    };
    if (fn !== 'm2') {
      columns.push(`${held(0)} AS "a${i}"`);
      const text = fn === 'count_sum' ? `coalesce(sum("a${i}"), 0)` : `${fn}("a${i}")`;
      return `${text} AS ${quoteName(name)}`;
    }
    columns.push(
      `${held(0)} AS "n${i}"`,
      `(${held(1)})::DOUBLE AS "s${i}"`,
      `${held(2)} AS "d${i}"`,
    );
    means.push(
      `sum("s${i}") OVER ${partition} / nullif(sum("n${i}") OVER ${partition}, 0) AS "m${i}"`,
    );
    const shift = `("s${i}" / "n${i}" - "m${i}")`;
    return `sum(CASE WHEN "n${i}" > 0 THEN "d${i}" + "n${i}" * ${shift} * ${shift} END) AS ${quoteName(name)}`;
  });
  const rows = `SELECT ${[...keys, ...columns].join(', ')} FROM ${parts.source()}`;
  const centred = `SELECT *, ${means.join(', ')} FROM (${rows})`;
  return select([...names, ...outputs], `(${centred})`, names.length);
}

function topOf({ orderBy, limit }: NonNullable<ScanPlan['topK']>, select: string): string {
  const items = orderBy.map(({ expr, descending, nullsFirst }) => {
    return `${printed(expr)} ${descending ? 'DESC' : 'ASC'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
  });
  const order = items.length === 0 ? '' : ` ORDER BY ${items.join(', ')}`;
  return `SELECT * FROM (${select}) AS ${quoteName(scanRelation)}${order} LIMIT ${Math.trunc(limit)}`;
}
