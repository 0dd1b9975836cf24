import {
  type AggregateExpr,
  and,
  call,
  conjuncts,
  type Expr,
  isLiteral,
  lit,
  mapQuery,
  type SelectBlock,
  type SubqueryExpr,
  transformExpr,
  type,
} from '@tessera/sql';
import type { AggregateSplitter } from './aggregates.ts';
import { castTo, column, columnsOf, hasSubquery, withoutRepeats } from './expressions.ts';
import type { KeyNeed, NeedLedger } from './need-ledger.ts';
import { partsOf } from './partial.ts';
import { type MappedBlock, matchedFrom, plainBlock, regroupedBlock } from './residual-shape.ts';
import { tellsZeroSign } from './zero-sign.ts';

export interface ResidualInputs {
  readonly block: SelectBlock;
  /** With the block's own group keys, and no others. */
  readonly ledger: NeedLedger;
  readonly splitter: AggregateSplitter;
  /** What every aggregate is filtered by. */
  readonly always: readonly Expr[];
  readonly distinct: 'bits' | 'group';
}

/**
 * What is left of a block above its matched relation: its aggregates become expressions over partials, its keys columns.
 * Conditions that only hold above the scan, and aggregates that do not mind how often a row occurs, want more keys
 * than the block has; then it groups again.
 */
export class ResidualBuilder {
  readonly #block: SelectBlock;
  readonly #ledger: NeedLedger;
  readonly #splitter: AggregateSplitter;
  readonly #always: readonly Expr[];
  readonly #distinctBy: 'bits' | 'group';
  /** The block's own keys, by what they are equal to. */
  readonly #own: ReadonlyMap<string, KeyNeed>;
  #regroup = false;

  constructor({ block, ledger, splitter, always, distinct }: ResidualInputs) {
    this.#block = block;
    this.#ledger = ledger;
    this.#splitter = splitter;
    this.#always = always;
    this.#distinctBy = distinct;
    this.#own = new Map(ledger.keys.map((key) => [ledger.keyOf(key.expr), key]));
  }

  /** `above`: conditions over the model's aliases that are evaluated above the scan. */
  build(above: readonly Expr[]): SelectBlock {
    const conditions = above.map((condition) => this.#aboveScan(condition));
    if (above.length > 0) this.#regroup = true;
    const mapped = this.#mapped();
    const filtered = this.#always.length > 0 && this.#ledger.keys.length > 0;
    const someRow = filtered ? this.#someRow() : undefined;
    // Without it, groups would be there of which no row passes.
    if (someRow !== undefined && !this.#regroup) mapped.having.push(someRow);
    this.#ensureColumn();
    const { limit, offset } = this.#block;
    return {
      ...(this.#regroup
        ? this.#regrouped(mapped, [...conditions, ...(someRow ? [someRow] : [])])
        : plainBlock(mapped)),
      from: matchedFrom(this.#ledger, this.#splitter.partials),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
    };
  }

  #mapped(): MappedBlock {
    const { having, outputs, distinct, orderBy } = this.#block;
    const rewrite = (expr: Expr): Expr => this.#rewrite(expr);
    return {
      having: conjuncts(having).map(rewrite),
      outputs: outputs.map(({ name, expr }) => ({ name, expr: castTo(rewrite(expr), expr.type) })),
      distinct: typeof distinct === 'boolean' ? distinct : distinct.map(rewrite),
      orderBy: orderBy.map((item) => ({ ...item, expr: rewrite(item.expr) })),
    };
  }

  /** An expression that is evaluated above the scan, over group keys that are added for it. */
  #aboveScan(condition: Expr): Expr {
    const ledger = this.#ledger;
    const aliases = new Set(ledger.match.relations.keys());
    return transformExpr(
      condition,
      (expr) => {
        if (!columnsOf(expr).some((c) => aliases.has(c.relation))) return undefined;
        // No key below it would do.
        const whole = expr.kind === 'column' || tellsZeroSign(expr);
        if (hasSubquery(expr)) {
          if (whole) ledger.refuse('ZERO_SIGN');
          return undefined;
        }
        return whole || ledger.tries(expr) ? ledger.addKey(expr) : undefined;
      },
      { queries: true },
    );
  }

  /** Without any column there would be no row: an empty group has one. */
  #ensureColumn(): void {
    const { keys, distincts } = this.#ledger;
    const columns = keys.length + this.#splitter.partials.length + distincts.length;
    if (columns === 0 && this.#splitter.rows() === undefined) this.#miss(countOfRows);
  }

  #someRow(): Expr {
    const rows = this.#splitter.rows();
    if (rows === undefined) this.#miss(countOfRows);
    return call('>', type.boolean, [rows ?? lit.bigint(0n), lit.bigint(0n)]);
  }

  #rewrite(expr: Expr): Expr {
    const ledger = this.#ledger;
    return transformExpr(expr, (inner) => {
      if (isLiteral(inner)) return undefined;
      const key = this.#own.get(ledger.keyOf(ledger.toModel(inner)));
      if (key !== undefined) return castTo(ledger.keyColumn(key), inner.type);
      if (inner.kind === 'aggregate') return this.#aggregate(inner);
      if (inner.kind === 'subquery') return this.#subquery(inner);
      return this.#strayColumn(inner);
    });
  }

  /** A subquery keeps its own aggregates; what it takes from the block may only be group keys. */
  #subquery(expr: SubqueryExpr): Expr {
    const ledger = this.#ledger;
    const test = expr.test && this.#rewrite(expr.test);
    const query = mapQuery(expr.query, (top) =>
      transformExpr(
        top,
        (inner) => {
          if (inner.kind !== 'column' || !ledger.match.aliases.has(inner.relation))
            return undefined;
          const known = this.#own.get(ledger.keyOf(ledger.toModel(inner)));
          return known ? castTo(ledger.keyColumn(known), inner.type) : this.#strayColumn(inner);
        },
        { queries: true },
      ),
    );
    return { ...expr, query, ...(test === undefined ? {} : { test }) };
  }

  /** A column of the block's tables that is neither grouped by nor inside an aggregate. */
  #strayColumn(expr: Expr): Expr | undefined {
    if (expr.kind !== 'column' || !this.#ledger.match.aliases.has(expr.relation)) return undefined;
    this.#ledger.refuse('NOT_IN_MODEL');
    return expr;
  }

  #aggregate(aggregate: AggregateExpr): Expr {
    const model = this.#ledger.toModel(aggregate) as AggregateExpr;
    return (
      this.#splitter.valueOf(model) ??
      this.#distinct(model) ??
      this.#grouped(model) ??
      this.#miss(model)
    );
  }

  #miss(aggregate: AggregateExpr): Expr {
    this.#ledger.miss(aggregate, this.#always);
    return aggregate;
  }

  #distinct(aggregate: AggregateExpr): Expr | undefined {
    const [arg] = aggregate.args;
    if (this.#distinctBy !== 'bits' || arg === undefined) return undefined;
    if (aggregate.fn !== 'count' || !aggregate.distinct || aggregate.orderBy) return undefined;
    const filter = and(...this.#always, aggregate.filter);
    return this.#bits(arg, withoutRepeats(conjuncts(filter)));
  }

  #bits(arg: Expr, filter: readonly Expr[]): Expr | undefined {
    if (!this.#hasBits(arg, filter)) return undefined;
    const { distincts, relation: rows } = this.#ledger;
    const relation = `${rows}_d${distincts.length}`;
    distincts.push({ relation, arg, filter });
    const value = column(relation, 'distinct', type.bigint);
    return call('coalesce', type.bigint, [value, lit.bigint(0n)]);
  }

  #hasBits(arg: Expr, filter: readonly Expr[]): boolean {
    const ledger = this.#ledger;
    return partsOf(ledger.context.model).some(({ fn, arg: own, filter: kept }) => {
      if (fn !== 'distinct_bits' || own === undefined) return false;
      if (ledger.keyOf(own) !== ledger.keyOf(arg)) return false;
      const inMeasure = new Set(conjuncts(kept).map((e) => ledger.keyOf(e)));
      const rest = filter.filter((e) => !inMeasure.delete(ledger.keyOf(e)));
      return inMeasure.size === 0 && rest.every((e) => ledger.tries(e));
    });
  }

  /** Aggregates that do not mind how often a row occurs, over keys that are added for them. */
  #grouped(aggregate: AggregateExpr): Expr | undefined {
    const ledger = this.#ledger;
    const indifferent = aggregate.distinct || ['bool_and', 'bool_or'].includes(aggregate.fn);
    if (!indifferent || aggregate.orderBy !== undefined) return undefined;
    const inputs = [...aggregate.args, ...(aggregate.filter ? [aggregate.filter] : [])];
    if (!inputs.every((expr) => ledger.tries(expr))) return undefined;
    this.#regroup = true;
    return {
      ...aggregate,
      args: aggregate.args.map((arg) => (isLiteral(arg) ? arg : ledger.addKey(arg))),
      ...(aggregate.filter === undefined ? {} : { filter: ledger.addKey(aggregate.filter) }),
    };
  }

  #regrouped(mapped: MappedBlock, above: readonly Expr[]): Omit<SelectBlock, 'from'> {
    const { partials } = this.#splitter;
    const { distincts, relation } = this.#ledger;
    const bad = partials.some(({ triple }) => triple) || distincts.length > 0;
    if (bad) this.#ledger.refuse('AGGREGATE_NOT_SUPPORTED');
    const keys = [...this.#own.values()].map((key) => this.#ledger.keyColumn(key));
    return regroupedBlock({ mapped, keys, above, partials, relation });
  }
}

const countOfRows: AggregateExpr = {
  kind: 'aggregate',
  type: type.bigint,
  fn: 'count',
  args: [],
  distinct: false,
};
