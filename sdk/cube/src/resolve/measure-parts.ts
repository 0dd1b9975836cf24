import { createHash } from 'node:crypto';
import type { DataType } from '@tessera/columnar';
import { type Expr, exprKey, isExact } from '@tessera/sql';
import type { MeasurePart } from '../model.ts';
import type { MeasureAggregate } from '../model-spec.ts';
import { columnsOf } from './expression-binder.ts';

/** What a measure is computed over. */
interface Operand {
  readonly arg?: Expr;
  readonly filter?: Expr;
  readonly factAlias: string;
}

/**
 * The stored columns of a measure, those that count first. Measures over the same operand share them:
 * the average and the sum of a column are kept in one sum.
 */
export function partsOf(aggregate: MeasureAggregate, operand: Operand): MeasurePart[] {
  const part = (fn: MeasurePart['fn'], type: DataType) => partOf(fn, type, operand);
  const count = () => part('count', { kind: 'bigint' });
  const sum = () => part('sum', sumType(operand.arg!.type));
  switch (aggregate) {
    case 'count':
      return [count()];
    case 'sum':
      return [sum()];
    case 'min':
    case 'max':
      return [part(aggregate, operand.arg!.type)];
    case 'avg':
      return [count(), sum()];
    case 'count_distinct':
      return [part('distinct_bits', { kind: 'bigint' })];
    default:
      return isExact(operand.arg!.type)
        ? [count(), sum(), part('sum_squares', squaresType(operand.arg!.type))]
        : [count(), sum(), part('m2', { kind: 'double' })];
  }
}

/** PostgreSQL's type of a sum, with the digits that are kept: sums of floats are kept as double. */
export function sumType(type: DataType): DataType {
  switch (type.kind) {
    case 'smallint':
    case 'integer':
      return { kind: 'bigint' };
    case 'bigint':
      return { kind: 'numeric', precision: 38, scale: 0 };
    case 'numeric':
      return type.scale === undefined
        ? type
        : { kind: 'numeric', precision: 38, scale: type.scale };
    default:
      return { kind: 'double' };
  }
}

function squaresType(type: DataType): DataType {
  const scale = type.kind === 'numeric' ? (type.scale ?? 0) : 0;
  return { kind: 'numeric', precision: 38, scale: 2 * scale };
}

function partOf(
  fn: MeasurePart['fn'],
  type: DataType,
  { arg, filter, factAlias }: Operand,
): MeasurePart {
  const column = columnName(fn, arg, filter, factAlias);
  return { column, fn, ...(arg && { arg }), ...(filter && { filter }), type };
}

/**
 * Says what the column holds: `count`, `sum_delay`, `min_origin__state` (of a lookup), and for what is more than
 * a column the columns in it and a digest of the whole: `sum_price_discount_1f9a2c`.
 */
function columnName(
  fn: MeasurePart['fn'],
  arg: Expr | undefined,
  filter: Expr | undefined,
  factAlias: string,
): string {
  const verb = fn === 'distinct_bits' ? 'distinct' : fn;
  const operand = arg === undefined ? [] : namesIn(arg, factAlias);
  const condition = filter === undefined ? [] : ['if', ...namesIn(filter, factAlias)];
  const plain = [verb, ...operand, ...condition].join('_');
  const says = filter === undefined && (arg === undefined || arg.kind === 'column');
  if (says && /^[a-z0-9_]{1,63}$/.test(plain)) return plain;
  const key = `${arg && exprKey(arg)} filter ${filter && exprKey(filter)}`;
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 6);
  const readable = plain
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, 48);
  return `${readable}_${digest}`;
}

function namesIn(expr: Expr, factAlias: string): string[] {
  return columnsOf(expr)
    .map(({ relation, name }) => (relation === factAlias ? name : `${relation}__${name}`))
    .sort();
}
