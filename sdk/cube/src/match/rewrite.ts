import type { TypeKind } from '@tessera/columnar';
import {
  and,
  type ColumnExpr,
  call,
  type Expr,
  exprKey,
  mapChildren,
  type ParameterValues,
  type,
} from '@tessera/sql';
import type { Dimension, Lookup, Model } from '../model.ts';
import type { Grain } from '../model-spec.ts';
import { layoutRelation } from '../scan-plan.ts';
import { floorCivil, microsPerDay, nests } from '../time/civil.ts';
import { castTo, column, columnsOf } from './expressions.ts';
import type { ReasonCode } from './reasons.ts';
import type { CanonicalNames } from './star.ts';
import { mirrorOf } from './time-filter.ts';
import { extractOf, instantOfConstant, isTime, type TimeTerm, timeTermOf } from './time-term.ts';
import { readsEitherZero, tellsZeroSign } from './zero-sign.ts';
import { dependsOnZone } from './zone-dependence.ts';

/** How expressions of one block map to a model, whatever layout they are computed from. */
export interface RewriteContext {
  readonly model: Model;
  /** Puts columns that are equal in the block, such as both sides of an inner join's key, under one name. */
  readonly canonical: (expr: Expr) => Expr;
  /** What `canonical` puts under one name. */
  readonly names: CanonicalNames;
  readonly sessionZone: string;
  readonly parameters: ParameterValues | undefined;
}

/** A dimension prepared for lookup by expression. */
interface Known {
  readonly index: number;
  readonly dimension: Dimension;
  /** Of the expression whose value is stored; absent when only its truncation is. */
  readonly key: string | undefined;
  /** Type of that expression. */
  readonly kind: TypeKind;
  readonly cut:
    | { readonly baseKey: string; readonly grain: Grain; readonly zoned: boolean }
    | undefined;
}

/** Why an expression could not be computed: the columns it lacks, and the reason when it is not just that. */
export interface Failure {
  readonly code: ReasonCode;
  readonly missing: Expr;
  /** Set when the missing time is only needed cut to this grain. */
  readonly grain?: Grain;
}

/**
 * Computes scalar expressions of a block (over the model's aliases) from the dimensions that a layout keeps. Remembers
 * which dimensions and which snapshots it needed, and what was missing.
 */
export class Rewriter {
  readonly used = new Set<number>();
  readonly snapshots = new Set<string>();
  readonly failures: Failure[] = [];
  readonly #context: RewriteContext;
  readonly #known: readonly Known[];
  readonly #stored: ReadonlySet<number>;

  /** `stored`: positions of the dimensions that are there. */
  constructor(context: RewriteContext, stored: ReadonlySet<number>) {
    this.#context = context;
    this.#stored = stored;
    this.#known = knownDimensions(context).filter(({ index }) => stored.has(index));
  }

  /** The expression over the layout's columns and snapshot aliases, of the same type, or `undefined`. */
  rewrite(expr: Expr): Expr | undefined {
    const rewritten = this.#compute(this.#context.canonical(expr));
    return rewritten && castTo(rewritten, expr.type);
  }

  /** The same for a list; `undefined` as soon as one fails, but all failures are noted. */
  rewriteAll(exprs: readonly Expr[]): readonly Expr[] | undefined {
    const rewritten = exprs.map((expr) => this.rewrite(expr));
    return rewritten.every((expr) => expr !== undefined) ? rewritten : undefined;
  }

  /** Tries one way of several: nothing is remembered of it when it fails, and no failure in any case. */
  attempt<T>(way: () => T | undefined): T | undefined {
    const [failures, used, snapshots] = [this.failures.length, [...this.used], [...this.snapshots]];
    const result = way();
    this.failures.length = failures;
    if (result !== undefined) return result;
    for (const [set, before] of [
      [this.used, used],
      [this.snapshots, snapshots],
    ] as const) {
      (set as Set<unknown>).clear();
      for (const each of before) (set as Set<unknown>).add(each);
    }
    return undefined;
  }

  #compute(expr: Expr): Expr | undefined {
    if (expr.kind === 'literal' || expr.kind === 'parameter') return expr;
    const exact = this.#exact(expr);
    if (exact === undefined) return this.#computeFromOthers(expr);
    const { model, sessionZone } = this.#context;
    if (sessionZone === model.timeZone || !dependsOnZone(expr)) return this.#columnOf(exact);
    // What is stored under these words is their value in the model's zone.
    return (
      this.attempt(() => this.#computeFromOthers(expr)) ??
      this.#fail('TIME_ZONE', exact.dimension.expr)
    );
  }

  /** The dimension that keeps the expression itself; keys are only made where one has its type. */
  #exact(expr: Expr): Known | undefined {
    const { kind } = expr.type;
    if (!this.#known.some((each) => each.kind === kind)) return undefined;
    const own = exprKey(expr);
    return this.#known.find(({ key }) => key === own);
  }

  #computeFromOthers(expr: Expr): Expr | undefined {
    const time = this.#computeTime(expr);
    if (time !== undefined) return time === 'failed' ? undefined : time;
    switch (expr.kind) {
      case 'column':
        return this.#derived(expr) ?? this.#fail('MISSING_DIMENSION', expr);
      case 'call':
      case 'cast':
      case 'case':
        return this.#computeOperands(expr);
      default:
        return this.#fail('MISSING_DIMENSION', expr);
    }
  }

  #computeOperands(expr: Expr): Expr | undefined {
    let complete = true;
    const rewritten = mapChildren(expr, (child) => {
      const computed = this.#compute(child);
      if (computed === undefined) complete = false;
      return computed === undefined ? child : castTo(computed, child.type);
    });
    if (!complete) return undefined;
    return tellsZeroSign(expr) && readsEitherZero(rewritten)
      ? this.#fail('ZERO_SIGN', expr)
      : rewritten;
  }

  #columnOf(known: Known): Expr {
    this.used.add(known.index);
    return column(layoutRelation, known.dimension.name, known.dimension.type);
  }

  #fail(code: ReasonCode, missing: Expr): undefined {
    this.failures.push({ code, missing });
    return undefined;
  }

  /** Truncations, fields and aligned comparisons from a dimension that keeps a fine enough grain. */
  #computeTime(expr: Expr): Expr | 'failed' | undefined {
    const need = timeNeedOf(expr);
    if (need === undefined) return undefined;
    const baseKey = exprKey(need.term.base);
    const raw = this.#known.some(({ key }) => key === baseKey);
    if (raw) return undefined;
    const cuts = this.#known.filter(({ cut }) => cut?.baseKey === baseKey);
    if (cuts.length === 0) return this.#uncut(need);
    if (this.#zonesDiffer(need.term)) {
      this.#fail('TIME_ZONE', need.term.base);
      return 'failed';
    }
    const fit = cuts
      .filter(({ cut }) => this.#fits(cut!.grain, need) && this.#sameZone(cut!))
      .sort((a, b) => coarseness(b.cut!.grain) - coarseness(a.cut!.grain))
      .at(0);
    if (fit === undefined) {
      const code = need.kind === 'comparison' ? 'UNALIGNED_TIME_FILTER' : 'MISSING_DIMENSION';
      const grain = need.kind === 'grain' ? { grain: need.grain } : {};
      this.failures.push({ code, missing: need.term.base, ...grain });
      return 'failed';
    }
    return this.#overCut(expr, need.term.base, fit);
  }

  /** Nothing keeps the time cut: it may come from a snapshot, else the grain is what is missing. */
  #uncut(need: TimeNeed): 'failed' | undefined {
    if (need.kind !== 'grain' || need.term.base.kind !== 'column') return undefined;
    const { base } = need.term;
    if (this.attempt(() => this.#compute(base)) !== undefined) return undefined;
    this.failures.push({ code: 'MISSING_DIMENSION', missing: base, grain: need.grain });
    return 'failed';
  }

  #zonesDiffer(term: TimeTerm): boolean {
    const { model, sessionZone } = this.#context;
    if (term.base.type.kind === 'timestamptz') return sessionZone !== model.timeZone;
    return term.zoned && term.base.type.kind === 'timestamp' && sessionZone !== 'UTC';
  }

  /** False for what was cut in the model's zone when the session's is another. */
  #sameZone({ zoned }: NonNullable<Known['cut']>): boolean {
    const { model, sessionZone } = this.#context;
    return !zoned || sessionZone === model.timeZone;
  }

  #fits(kept: Grain, need: TimeNeed): boolean {
    if (need.kind === 'grain') return nests(kept, need.grain);
    if (need.kind === 'value') return kept === 'day' && need.term.base.type.kind === 'date';
    if (kept === 'day' && need.term.base.type.kind === 'date') return true;
    const instant = instantOfConstant(need.constant, this.#context.parameters);
    if (typeof instant !== 'bigint') return instant === null;
    if (need.term.zoned && this.#context.sessionZone !== 'UTC') return false;
    const isDate = need.term.base.type.kind === 'date';
    const floored = isDate ? floorCivil('day', instant) : instant;
    const step = isDate ? microsPerDay : 1n;
    const bound = ['<', '>='].includes(need.fn) && floored === instant ? instant : floored + step;
    return floorCivil(kept, bound) === bound;
  }

  /** The expression with the base replaced by its truncation, which gives the same value. */
  #overCut(expr: Expr, base: Expr, known: Known): Expr {
    // What is kept at just this grain is the value already.
    if (timeTermOf(expr)?.grain === known.cut?.grain) {
      return castTo(this.#columnOf(known), expr.type);
    }
    const stored = castTo(this.#columnOf(known), base.type);
    const key = exprKey(base);
    const replace = (inner: Expr): Expr =>
      exprKey(inner) === key ? stored : mapChildren(inner, replace);
    return replace(expr);
  }

  /** A lookup's column from its snapshot, where the model declares it derived and the keys are kept. */
  #derived(expr: ColumnExpr): Expr | undefined {
    const { model } = this.#context;
    const declared = model.dimensions.some(
      ({ derivedFrom, expr: source }) =>
        derivedFrom?.lookup === expr.relation &&
        columnsOf(source).some(
          ({ relation, name }) => relation === expr.relation && name === expr.name,
        ),
    );
    const lookup = model.lookups.find(({ alias }) => alias === expr.relation);
    if (!declared || lookup === undefined || this.keysOf(lookup) === undefined) return undefined;
    this.snapshots.add(lookup.alias);
    return expr;
  }

  /** The stored columns that are a lookup's join key in the fact or parent, when all are kept. */
  keysOf(lookup: Lookup): readonly { readonly expr: Expr; readonly column: string }[] | undefined {
    const found: { expr: Expr; column: string }[] = [];
    for (const key of lookup.keys) {
      const stored = this.#keyDimension(lookup, key.parentColumn);
      if (stored === undefined) return undefined;
      found.push({ expr: this.#columnOf(stored), column: key.column });
    }
    return found;
  }

  #keyDimension(lookup: Lookup, parentColumn: string): Known | undefined {
    return this.#known.find(
      ({ dimension }) =>
        dimension.expr.kind === 'column' &&
        dimension.expr.relation === lookup.parent &&
        dimension.expr.name === parentColumn,
    );
  }

  /** A stored column of the lookup's own key, which is NULL exactly for rows without a partner. */
  ownKeyOf(lookup: Lookup): Expr | undefined {
    const own = this.#known.find(
      ({ dimension }) =>
        dimension.expr.kind === 'column' &&
        dimension.expr.relation === lookup.alias &&
        lookup.keys.some(({ column: name }) => name === (dimension.expr as ColumnExpr).name),
    );
    return own && this.#columnOf(own);
  }

  /** Positions of the dimensions that are stored here. */
  get stored(): ReadonlySet<number> {
    return this.#stored;
  }
}

type TimeNeed =
  | { readonly kind: 'grain'; readonly term: TimeTerm; readonly grain: Grain }
  | { readonly kind: 'value'; readonly term: TimeTerm }
  | {
      readonly kind: 'comparison';
      readonly term: TimeTerm;
      readonly fn: string;
      readonly constant: Expr;
    };

/** What of a time an expression depends on. */
function timeNeedOf(expr: Expr): TimeNeed | undefined {
  const field = extractOf(expr);
  if (field !== undefined) {
    return { kind: 'grain', term: field.term, grain: field.term.grain ?? field.grain };
  }
  if (expr.kind === 'call' && ['<', '<=', '>', '>='].includes(expr.fn)) {
    const [left, right] = expr.args as [Expr, Expr];
    return comparisonNeed(expr.fn, left, right) ?? comparisonNeed(mirrorOf(expr.fn), right, left);
  }
  if (!isTime(expr.type) || expr.kind === 'literal') return undefined;
  const term = timeTermOf(expr);
  if (term === undefined) return undefined;
  if (term.grain !== undefined) return { kind: 'grain', term, grain: term.grain };
  return { kind: 'value', term };
}

function comparisonNeed(fn: string, left: Expr, right: Expr): TimeNeed | undefined {
  const term = timeTermOf(left);
  if (term === undefined || term.grain !== undefined || term.base.kind === 'literal') {
    return undefined;
  }
  const constant = right.kind === 'literal' || right.kind === 'parameter' || right.kind === 'cast';
  if (!constant && right.kind !== 'call') return undefined;
  return { kind: 'comparison', term, fn, constant: right };
}

function coarseness(grain: Grain): number {
  return ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'].indexOf(grain);
}

const known = new WeakMap<Model, WeakMap<CanonicalNames, readonly Known[]>>();

/** Prepared once for each way to join a model's lookups. */
function knownDimensions(context: RewriteContext): readonly Known[] {
  const ofModel = known.get(context.model) ?? new WeakMap<CanonicalNames, readonly Known[]>();
  known.set(context.model, ofModel);
  const before = ofModel.get(context.names) ?? prepareDimensions(context);
  ofModel.set(context.names, before);
  return before;
}

function prepareDimensions({ model, canonical }: RewriteContext): readonly Known[] {
  return model.dimensions.flatMap((dimension, index): Known[] => {
    if (dimension.derivedFrom !== undefined) return [];
    const expr = canonical(dimension.expr);
    const term = timeTermOf(expr);
    const grain = dimension.grain ?? term?.grain;
    if (term === undefined || grain === undefined) {
      return [{ index, dimension, key: exprKey(expr), kind: expr.type.kind, cut: undefined }];
    }
    const cut = { baseKey: exprKey(term.base), grain, zoned: term.zoned };
    const whole = term.base.type.kind === 'date' && grain === 'day';
    const key = term.grain !== undefined ? exprKey(expr) : whole ? exprKey(term.base) : undefined;
    const { kind } = term.grain === undefined ? term.base.type : expr.type;
    return [{ index, dimension, key, kind, cut }];
  });
}

/** `x between a and b` as two comparisons, so that each bound is looked at by itself. */
export function withoutBetween(expr: Expr): Expr {
  const inner = mapChildren(expr, withoutBetween);
  if (inner.kind !== 'call' || inner.fn !== 'between' || inner.args.length !== 3) return inner;
  const [value, low, high] = inner.args as [Expr, Expr, Expr];
  return and(call('>=', type.boolean, [value, low]), call('<=', type.boolean, [value, high]))!;
}
