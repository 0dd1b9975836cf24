import type { DataType } from '@tessera/columnar';
import {
  type AggregateExpr,
  and,
  call,
  conjuncts,
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
import type { CanonicalNames } from './star.ts';

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
  /** What `canonical` puts under one name. */
  readonly names: CanonicalNames;
  /** True when the expression, over the model's aliases, is never NULL in the rows of the block. */
  readonly neverNull: (expr: Expr) => boolean;
}

/** A stored part, and the keys of the conjuncts that it is filtered by. */
interface IndexedPart {
  readonly part: MeasurePart;
  readonly kept: ReadonlySet<string>;
}

type PartIndex = ReadonlyMap<string, readonly IndexedPart[]>;

const indexes = new WeakMap<Model, WeakMap<CanonicalNames, PartIndex>>();

/** The parts by what they aggregate: a block with many aggregates over a model with many measures asks often. */
function partsOver(
  context: PartialContext,
  fn: string,
  arg: Expr | undefined,
): readonly IndexedPart[] {
  const ofModel = indexes.get(context.model) ?? new WeakMap<CanonicalNames, PartIndex>();
  indexes.set(context.model, ofModel);
  const known = ofModel.get(context.names) ?? indexParts(context);
  ofModel.set(context.names, known);
  return known.get(operandKey(context, fn, arg)) ?? [];
}

function indexParts(context: PartialContext): PartIndex {
  const parts = partsOf(context.model).map((part) => {
    const kept = conjuncts(part.filter).map((term) => exprKey(context.canonical(term)));
    return { part, kept: new Set(kept) };
  });
  return Map.groupBy(parts, ({ part }) => operandKey(context, part.fn, part.arg));
}

function operandKey(context: PartialContext, fn: string, arg: Expr | undefined): string {
  return `${fn} ${arg === undefined ? '*' : exprKey(context.canonical(arg))}`;
}

/** The stored part that gives the partial, and the conjuncts of the filter that are left to apply. */
function storedPart(
  spec: PartialSpec,
  context: PartialContext,
  columns: ReadonlySet<string>,
): { readonly part: MeasurePart; readonly rest: readonly Expr[] } | undefined {
  const possible = partsOver(context, spec.fn, spec.arg);
  if (possible.length === 0) return undefined;
  const wanted = new Map(spec.filter.map((term) => [exprKey(context.canonical(term)), term]));
  let best: { readonly part: MeasurePart; readonly rest: readonly Expr[] } | undefined;
  for (const { part, kept } of possible) {
    if (!columns.has(part.column) || !kept.isSubsetOf(wanted)) continue;
    const rest = [...wanted].flatMap(([key, term]) => (kept.has(key) ? [] : [term]));
    if (best === undefined || rest.length < best.rest.length) best = { part, rest };
  }
  return best;
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
  const stored = storedTypes(parts).get(`${spec.fn} ${exprKey(spec.arg!)}`);
  if (stored !== undefined) return stored;
  if (spec.fn === 'sum') return sumType(spec.arg!.type);
  if (spec.fn === 'sum_squares') return product(spec.arg!, spec.arg!).type;
  return spec.fn === 'm2' ? type.double : spec.arg!.type;
}

const types = new WeakMap<readonly MeasurePart[], ReadonlyMap<string, DataType>>();

/** Types of stored parts by function and argument, the first of several. */
function storedTypes(parts: readonly MeasurePart[]): ReadonlyMap<string, DataType> {
  const known = types.get(parts);
  if (known !== undefined) return known;
  const byOperand = new Map<string, DataType>();
  for (const { fn, arg, type: stored } of parts) {
    const key = arg && `${fn} ${exprKey(arg)}`;
    if (key !== undefined && !byOperand.has(key)) byOperand.set(key, stored);
  }
  types.set(parts, byOperand);
  return byOperand;
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
