import type { DataType } from '@tessera/columnar';
import { type AggregateExpr, and, conjuncts, type Expr, exprKey } from '@tessera/sql';
import type { Model } from '../model.ts';
import { column, withoutRepeats } from './expressions.ts';
import { measureAggregateOf } from './measure-aggregate.ts';
import { type PartialContext, type PartialSpec, partsOf, scanOf } from './partial.ts';
import type { ReasonCode } from './reasons.ts';
import { type Failure, type RewriteContext, Rewriter, withoutBetween } from './rewrite.ts';
import { canonicalizer, canonicalNames, type StarMatch, toModel } from './star.ts';

/** A group key, as a column of the matched relation. */
export interface KeyNeed {
  readonly name: string;
  readonly expr: Expr;
  readonly type: DataType;
}

/** One exact distinct count; its relation has the block's keys and the column `distinct`. */
export interface DistinctNeed {
  readonly relation: string;
  readonly arg: Expr;
  readonly filter: readonly Expr[];
}

/** Why the model, whatever cuboids it has, cannot answer the block. */
export interface NotAnswered {
  readonly code: ReasonCode;
  readonly detail?: string;
  /** Over the model's aliases: expressions that no dimension gives, and aggregates that no measure gives. */
  readonly missing: readonly Failure[];
  readonly missingAggregates: readonly AggregateExpr[];
}

/** Positions of all dimensions that layouts can store. */
export function storableDimensions(model: Model): ReadonlySet<number> {
  return new Set(
    model.dimensions.flatMap(({ derivedFrom }, i) => (derivedFrom === undefined ? [i] : [])),
  );
}

/**
 * What a block turned out to need of its model so far: group keys, distinct counts, and what the model lacks. Asked of
 * a layout that keeps everything the model has.
 */
export class NeedLedger {
  readonly match: StarMatch;
  readonly context: RewriteContext;
  readonly partialContext: PartialContext;
  /** Id of the matched relation. */
  readonly relation: string;
  readonly keys: KeyNeed[] = [];
  readonly distincts: DistinctNeed[] = [];
  readonly #columns: ReadonlySet<string>;
  readonly #virtual: Rewriter;
  /** Of whose notes nothing is kept. */
  readonly #trial: Rewriter;
  readonly #missingAggregates: AggregateExpr[] = [];
  #code: ReasonCode | undefined;

  constructor(match: StarMatch, { relation, ...session }: { readonly relation: string } & Session) {
    const { sessionZone, parameters } = session;
    const names = canonicalNames(match);
    const canonical = canonicalizer(names);
    this.match = match;
    this.relation = relation;
    this.context = { model: match.model, canonical, names, sessionZone, parameters };
    this.partialContext = {
      model: match.model,
      canonical,
      names,
      neverNull: (expr) => neverNull(expr, match),
    };
    this.#columns = new Set(partsOf(match.model).map((part) => part.column));
    const stored = storableDimensions(match.model);
    this.#virtual = new Rewriter(this.context, stored);
    this.#trial = new Rewriter(this.context, stored);
  }

  /** The expression over the model's aliases. */
  toModel(expr: Expr): Expr {
    return withoutBetween(toModel(expr, (id) => this.match.aliases.get(id)));
  }

  /** Equal for expressions over the model's aliases that have the same value in the block. */
  keyOf(expr: Expr): string {
    return exprKey(this.context.canonical(expr));
  }

  /** True when dimensions give the expression; nothing is noted. */
  tries(expr: Expr): boolean {
    return this.#trial.rewrite(expr) !== undefined;
  }

  computable(spec: PartialSpec): boolean {
    return scanOf(spec, this.partialContext, this.#trial, this.#columns) !== undefined;
  }

  /** Notes what dimensions lack for the expression. */
  require(expr: Expr): void {
    this.#virtual.rewrite(expr);
  }

  /** The column of a group key, which is added when it is new. */
  addKey(expr: Expr): Expr {
    const key = this.keyOf(expr);
    const known = this.keys.find((k) => this.keyOf(k.expr) === key);
    if (known !== undefined) return this.keyColumn(known);
    this.require(expr);
    const added = { name: `k${this.keys.length}`, expr, type: expr.type };
    this.keys.push(added);
    return this.keyColumn(added);
  }

  keyColumn(key: KeyNeed): Expr {
    return column(this.relation, key.name, key.type);
  }

  /** Notes an aggregate that no measure gives; `always`: what it is filtered by beside its own filter. */
  miss(aggregate: AggregateExpr, always: readonly Expr[]): void {
    if (measureAggregateOf(aggregate) === undefined) this.refuse('AGGREGATE_NOT_SUPPORTED');
    const filter = and(...withoutRepeats([...always, ...conjuncts(aggregate.filter)]));
    this.#missingAggregates.push({ ...aggregate, ...(filter === undefined ? {} : { filter }) });
  }

  /** The first reason is the one to tell. */
  refuse(code: ReasonCode): void {
    this.#code ??= code;
  }

  /** `undefined`: the model has all that is needed. */
  notAnswered(): NotAnswered | undefined {
    const missing = this.#virtual.failures;
    const complete = missing.length + this.#missingAggregates.length === 0;
    if (this.#code === undefined && complete) return undefined;
    const special = missing.find(({ code }) => code !== 'MISSING_DIMENSION');
    return {
      code: this.#code ?? special?.code ?? 'NOT_IN_MODEL',
      missing,
      missingAggregates: this.#missingAggregates,
    };
  }
}

type Session = Pick<RewriteContext, 'sessionZone' | 'parameters'>;

/** True when no row of the block has NULL there, because the catalog says so and no join pads it. */
function neverNull(expr: Expr, match: StarMatch): boolean {
  switch (expr.kind) {
    case 'literal':
      return expr.value !== null;
    case 'cast':
      return expr.type.kind !== 'text' && neverNull(expr.arg, match);
    case 'column': {
      const padded = match.left.has(expr.relation);
      const field = match.relations
        .get(expr.relation)
        ?.columns.find(({ name }) => name === expr.name);
      return !padded && field?.nullable === false;
    }
    case 'call':
      return (
        ['+', '-', '*', 'negate', 'abs'].includes(expr.fn) &&
        expr.args.every((arg) => neverNull(arg, match))
      );
    default:
      return false;
  }
}
