import type { DataType } from '@tessera/columnar';
import {
  type AggregateExpr,
  and,
  call,
  type Expr,
  exprKey,
  isExact,
  isInteger,
  type,
} from '@tessera/sql';
import type { MeasurePart, Model } from '../model.ts';
import { layoutRelation, type ScanAggregate } from '../scan-plan.ts';
import { castTo, column, isNotNull } from './expressions.ts';
import type { Rewriter } from './rewrite.ts';

/**
 * Partial aggregates: what a block's aggregates are put together from. Each can be computed from a layout (by a stored
 * part, or from the dimensions and the number of rows), and as well from the source, with equal results.
 */
export interface PartialSpec {
  readonly fn: 'count' | 'sum' | 'sum_squares' | 'min' | 'max' | 'm2';
  /** Over the model's aliases; absent: count(*). */
  readonly arg?: Expr;
  /** Conjuncts, over the model's aliases. */
  readonly filter: readonly Expr[];
}

export interface Partial extends PartialSpec {
  readonly name: string;
  readonly type: DataType;
  /** Part of a triple count, sum, m2 that is merged together. */
  readonly triple: boolean;
}

export function partialKey(spec: PartialSpec): string {
  const arg = spec.arg === undefined ? '*' : exprKey(spec.arg);
  return `${spec.fn}(${arg})[${spec.filter.map(exprKey).sort().join(';')}]`;
}

/** PostgreSQL's type of sum over an argument of that type. */
export function sumType(of: DataType): DataType {
  if (of.kind === 'smallint' || of.kind === 'integer') return type.bigint;
  if (of.kind === 'bigint') return { kind: 'numeric', scale: 0 };
  if (of.kind !== 'numeric') return of;
  return of.scale === undefined ? type.numeric : { kind: 'numeric', scale: of.scale };
}

const parts = new WeakMap<Model, readonly MeasurePart[]>();

/** The stored columns of all measures, each once. */
export function partsOf(model: Model): readonly MeasurePart[] {
  const known = parts.get(model);
  if (known !== undefined) return known;
  const all = model.measures.flatMap((measure) => measure.parts);
  const each = [...new Map(all.map((part) => [part.column, part])).values()];
  parts.set(model, each);
  return each;
}

/** What computing partials from a layout needs to know. */
export interface PartialContext {
  readonly model: Model;
  readonly canonical: (expr: Expr) => Expr;
  /** True when the expression, over the model's aliases, is never NULL in the rows of the block. */
  readonly neverNull: (expr: Expr) => boolean;
}

/** The stored part that gives the partial, and the conjuncts of the filter that are left to apply. */
function storedPart(
  spec: PartialSpec,
  context: PartialContext,
  columns: ReadonlySet<string>,
): { readonly part: MeasurePart; readonly rest: readonly Expr[] } | undefined {
  const key = (expr: Expr | undefined): string =>
    expr === undefined ? '*' : exprKey(context.canonical(expr));
  const wanted = spec.filter.map((conjunct) => ({ conjunct, key: key(conjunct) }));
  const found = partsOf(context.model).flatMap((part) => {
    if (part.fn !== spec.fn || !columns.has(part.column)) return [];
    if (key(part.arg) !== key(spec.arg)) return [];
    const kept = conjunctKeys(part.filter, context);
    if (![...kept].every((k) => wanted.some((w) => w.key === k))) return [];
    const rest = wanted.filter((w) => !kept.has(w.key)).map(({ conjunct }) => conjunct);
    return [{ part, rest }];
  });
  return found.sort((a, b) => a.rest.length - b.rest.length).at(0);
}

function conjunctKeys(filter: Expr | undefined, context: PartialContext): ReadonlySet<string> {
  if (filter === undefined) return new Set();
  const parts = filter.kind === 'call' && filter.fn === 'and' ? filter.args : [filter];
  return new Set(parts.map((part) => exprKey(context.canonical(part))));
}

/** How a layout with these columns gives the partial, or `undefined` when it cannot. */
export function scanOf(
  spec: PartialSpec,
  context: PartialContext,
  rewriter: Rewriter,
  columns: ReadonlySet<string>,
): Omit<ScanAggregate, 'name'> | undefined {
  return (
    fromParts(spec, context, rewriter, columns) ?? fromDimensions(spec, context, rewriter, columns)
  );
}

function fromParts(
  spec: PartialSpec,
  context: PartialContext,
  rewriter: Rewriter,
  columns: ReadonlySet<string>,
): Omit<ScanAggregate, 'name'> | undefined {
  const wanted = [spec];
  if (spec.fn === 'm2') wanted.unshift({ ...spec, fn: 'count' }, { ...spec, fn: 'sum' });
  const found = wanted.map((each) => storedPart(each, context, columns));
  const last = found.at(-1);
  if (last === undefined || found.some((each) => each?.rest.length !== last.rest.length)) {
    return undefined;
  }
  const filter = rewriter.rewriteAll(last.rest);
  if (filter === undefined) return undefined;
  const args = found.map((each) => column(layoutRelation, each!.part.column, each!.part.type));
  return { fn: rollUp(spec.fn), args, type: last.part.type, ...filtered(filter) };
}

function rollUp(fn: PartialSpec['fn']): ScanAggregate['fn'] {
  if (fn === 'count') return 'count_sum';
  return fn === 'sum_squares' ? 'sum' : fn;
}

function filtered(filter: readonly Expr[]): { readonly filter?: Expr } {
  const condition = and(...filter);
  return condition === undefined ? {} : { filter: condition };
}

/** From the dimensions themselves, each group counting as often as it has rows. */
function fromDimensions(
  spec: PartialSpec,
  context: PartialContext,
  rewriter: Rewriter,
  columns: ReadonlySet<string>,
): Omit<ScanAggregate, 'name'> | undefined {
  const { fn, arg } = spec;
  if (arg === undefined) return undefined;
  if (fn === 'count' && context.neverNull(arg)) {
    return scanOf({ fn: 'count', filter: spec.filter }, context, rewriter, columns);
  }
  if (fn === 'min' || fn === 'max') {
    const [value, ...filter] = rewriter.rewriteAll([arg, ...spec.filter]) ?? [];
    return value && { fn, args: [value], type: arg.type, ...filtered(filter) };
  }
  if (fn === 'm2' || (fn !== 'count' && !isExact(arg.type))) return undefined;
  const counts = storedPart({ fn: 'count', filter: spec.filter }, context, columns);
  if (counts === undefined) return undefined;
  const [value, ...filter] = rewriter.rewriteAll([arg, ...counts.rest]) ?? [];
  if (value === undefined) return undefined;
  const rows = column(layoutRelation, counts.part.column, counts.part.type);
  if (fn === 'count') {
    const present = [...filter, isNotNull(value)];
    return { fn: 'count_sum', args: [rows], type: type.bigint, ...filtered(present) };
  }
  return {
    fn: 'sum',
    args: [timesRows(fn, value, rows)],
    type: partialTypeOf(spec, []),
    ...filtered(filter),
  };
}

function timesRows(fn: 'sum' | 'sum_squares', value: Expr, rows: Expr): Expr {
  const wide = isInteger(value.type) ? castTo(value, { kind: 'numeric', scale: 0 }) : value;
  const factor = fn === 'sum' ? wide : product(wide, wide);
  return product(factor, castTo(rows, { kind: 'numeric', scale: 0 }));
}

/** `a * b` of numerics, with the scale that it has. */
export function product(a: Expr, b: Expr): Expr {
  const scales = [a.type, b.type].map((t) => (t.kind === 'numeric' ? t.scale : 0));
  const scale = scales.includes(undefined) ? undefined : scales[0]! + scales[1]!;
  const fixed = scale !== undefined && scale <= 20;
  return call('*', fixed ? { kind: 'numeric', scale } : type.numeric, [a, b]);
}

/** The type in which all parts of a block give the partial: that of the stored part, where there is one. */
export function partialTypeOf(spec: PartialSpec, parts: readonly MeasurePart[]): DataType {
  if (spec.fn === 'count') return type.bigint;
  const key = exprKey(spec.arg!);
  const stored = parts.find(
    ({ fn, arg }) => fn === spec.fn && arg !== undefined && exprKey(arg) === key,
  );
  if (stored !== undefined) return stored.type;
  if (spec.fn === 'sum') return sumType(spec.arg!.type);
  if (spec.fn === 'sum_squares') return product(spec.arg!, spec.arg!).type;
  return spec.fn === 'm2' ? type.double : spec.arg!.type;
}

/** The same partial as an aggregate over the source's rows. */
export function sourceOf(partial: Partial): Expr {
  const filter = and(...partial.filter);
  const aggregate = (fn: string, result: DataType, args: readonly Expr[]): AggregateExpr => ({
    kind: 'aggregate',
    type: result,
    fn,
    args,
    distinct: false,
    ...(filter === undefined ? {} : { filter }),
  });
  const { fn, arg } = partial;
  if (fn === 'count') return aggregate('count', type.bigint, arg === undefined ? [] : [arg]);
  if (fn === 'sum_squares') {
    const wide = isInteger(arg!.type) ? castTo(arg!, { kind: 'numeric', scale: 0 }) : arg!;
    const square = product(wide, wide);
    return castTo(aggregate('sum', square.type, [square]), partial.type);
  }
  if (fn === 'm2') {
    const deviation = aggregate('var_pop', type.double, [castTo(arg!, type.double)]);
    const rows = castTo(aggregate('count', type.bigint, [arg!]), type.double);
    return call('*', type.double, [deviation, rows]);
  }
  // Sums of floats are kept as double, as builds keep them.
  const summed = fn === 'sum' && arg!.type.kind === 'real' ? castTo(arg!, type.double) : arg!;
  const own = fn === 'sum' ? sumType(summed.type) : summed.type;
  return castTo(aggregate(fn, own, [summed]), partial.type);
}
