import type { DataType } from '@tessera/columnar';
import {
  type AggregateExpr,
  and,
  call,
  conjuncts,
  type Expr,
  exprKey,
  isLiteral,
  lit,
  mapQuery,
  type ParameterValues,
  type SelectBlock,
  type SubqueryExpr,
  transformExpr,
  type,
} from '@tessera/sql';
import type { Model } from '../model.ts';
import type { MeasureAggregate } from '../model-spec.ts';
import { AggregateSplitter } from './aggregates.ts';
import { castTo, column, columnsOf, hasSubquery, withoutRepeats } from './expressions.ts';
import { type Partial, type PartialContext, partsOf, scanOf, sumType } from './partial.ts';
import type { ReasonCode } from './reasons.ts';
import { type Failure, type RewriteContext, Rewriter, withoutBetween } from './rewrite.ts';
import { canonicalizer, rejectsMissing, type StarMatch, toModel } from './star.ts';
import { type PartitionColumn, type TimeBound, timeBoundOf } from './time-filter.ts';
import { everything, intersect, type TimeSet } from './time-set.ts';
import { dependsOnZone } from './zone-dependence.ts';

/** What a block needs of a model, whatever layouts there are, and what is left of the block above it. */
export interface BlockNeed {
  readonly match: StarMatch;
  readonly context: RewriteContext;
  readonly partialContext: PartialContext;
  /** Group keys, as columns of the matched relation. The first are those of the block itself. */
  readonly keys: readonly KeyNeed[];
  readonly conditions: readonly ConditionNeed[];
  readonly partials: readonly Partial[];
  readonly distincts: readonly DistinctNeed[];
  /** Partition values that can pass the conditions. */
  readonly times: TimeSet;
  /** Left lookups of the model that the block joins inner, with nothing else that drops rows without a partner. */
  readonly mustMatch: readonly string[];
  /** Inner lookups of the model whose dropped rows the block wants to see. */
  readonly mayNotDrop: readonly string[];
  /** What is left of the block, over `relation` and the relations of `distincts`. */
  readonly residual: SelectBlock;
  readonly relation: string;
}

export interface KeyNeed {
  readonly name: string;
  readonly expr: Expr;
  readonly type: DataType;
}

export interface ConditionNeed {
  readonly expr: Expr;
  /** Set when the condition is exactly a set of partition values. */
  readonly bound: TimeBound | undefined;
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

export interface NeedOptions {
  readonly relation: string;
  readonly sessionZone: string;
  readonly parameters: ParameterValues | undefined;
  /** How exact distinct counts are computed: from bitmaps, or by grouping by their argument as well. */
  readonly distinct: 'bits' | 'group';
}

/** `block` is aggregated, without grouping sets, and its FROM is the star of `match`. */
export function needOf(
  block: SelectBlock,
  match: StarMatch,
  options: NeedOptions,
): BlockNeed | NotAnswered {
  return new NeedBuilder(block, match, options).build();
}

export function isNeed(need: BlockNeed | NotAnswered): need is BlockNeed {
  return 'residual' in need;
}

/** Positions of all dimensions that layouts can store. */
export function storableDimensions(model: Model): ReadonlySet<number> {
  return new Set(
    model.dimensions.flatMap(({ derivedFrom }, i) => (derivedFrom === undefined ? [i] : [])),
  );
}

class NeedBuilder {
  readonly #block: SelectBlock;
  readonly #match: StarMatch;
  readonly #options: NeedOptions;
  readonly #context: RewriteContext;
  readonly #partialContext: PartialContext;
  readonly #columns: ReadonlySet<string>;
  readonly #virtual: Rewriter;
  readonly #keys: KeyNeed[] = [];
  readonly #distincts: DistinctNeed[] = [];
  readonly #missingAggregates: AggregateExpr[] = [];
  #regroup = false;
  #always: readonly Expr[] = [];
  #code: ReasonCode | undefined;

  constructor(block: SelectBlock, match: StarMatch, options: NeedOptions) {
    this.#block = block;
    this.#match = match;
    this.#options = options;
    const canonical = canonicalizer(match);
    const { sessionZone, parameters } = options;
    this.#context = { model: match.model, canonical, sessionZone, parameters };
    this.#partialContext = {
      model: match.model,
      canonical,
      neverNull: (expr) => neverNull(expr, match),
    };
    this.#columns = new Set(partsOf(match.model).map((part) => part.column));
    this.#virtual = new Rewriter(this.#context, storableDimensions(match.model));
  }

  build(): BlockNeed | NotAnswered {
    if (this.#meansOtherZone()) this.#code = 'TIME_ZONE';
    const { scan, residual, always } = this.#splitConditions();
    this.#always = always;
    this.#block.groupBy.forEach((expr) => void this.#addKey(this.#toModel(expr)));
    const splitter = new AggregateSplitter(
      this.#options.relation,
      this.#partialContext,
      (spec) => this.#computable(spec),
      always,
    );
    const above = residual.map((condition) => this.#aboveScan(condition));
    if (residual.length > 0) this.#regroup = true;
    const rewritten = this.#residual(splitter, above, always);
    if (this.#failed()) return this.#notAnswered();
    const conditions = scan.map((expr) => ({ expr, bound: this.#boundOf(expr) }));
    return {
      match: this.#match,
      context: this.#context,
      partialContext: this.#partialContext,
      keys: this.#keys,
      conditions,
      partials: splitter.partials,
      distincts: this.#distincts,
      times: this.#timesOf(scan),
      ...this.#joinNeeds(scan),
      residual: rewritten,
      relation: this.#options.relation,
    };
  }

  /** What a measure computes may be another value in the model's zone than the same words are in the session's. */
  #meansOtherZone(): boolean {
    const { model, sessionZone } = this.#context;
    if (sessionZone === model.timeZone) return false;
    const { groupBy, outputs, having, orderBy } = this.#block;
    const asked = [
      ...groupBy,
      ...this.#match.conditions,
      ...outputs.map(({ expr }) => expr),
      ...(having === undefined ? [] : [having]),
      ...orderBy.map(({ expr }) => expr),
    ];
    const kept = partsOf(model).flatMap(({ arg, filter }) => [arg, filter]);
    return (
      asked.some(dependsOnZone) && kept.some((expr) => expr !== undefined && dependsOnZone(expr))
    );
  }

  #failed(): boolean {
    const { failures } = this.#virtual;
    return this.#code !== undefined || failures.length + this.#missingAggregates.length > 0;
  }

  #notAnswered(): NotAnswered {
    const missing = this.#virtual.failures;
    const special = missing.find(({ code }) => code !== 'MISSING_DIMENSION');
    return {
      code: this.#code ?? special?.code ?? 'NOT_IN_MODEL',
      missing,
      missingAggregates: this.#missingAggregates,
    };
  }

  #toModel(expr: Expr): Expr {
    return withoutBetween(toModel(expr, (id) => this.#match.aliases.get(id)));
  }

  #computable(spec: Parameters<typeof scanOf>[0]): boolean {
    const trial = new Rewriter(this.#context, this.#virtual.stored);
    return scanOf(spec, this.#partialContext, trial, this.#columns) !== undefined;
  }

  /** Where each condition is evaluated: in the scan, above it, or inside every aggregate as a measure's filter. */
  #splitConditions(): { scan: Expr[]; residual: Expr[]; always: Expr[] } {
    const split = { scan: [] as Expr[], residual: [] as Expr[], always: [] as Expr[] };
    const conditions = this.#match.conditions.map(withoutBetween).flatMap(conjuncts);
    for (const condition of conditions) {
      if (hasSubquery(condition)) split.residual.push(condition);
      else if (this.#boundOf(condition)?.exact) split.scan.push(condition);
      else if (this.#tries(condition)) split.scan.push(condition);
      else if (this.#isMeasureFilter(condition)) split.always.push(condition);
      else void this.#virtual.rewrite(condition);
    }
    return split;
  }

  #tries(expr: Expr): boolean {
    return new Rewriter(this.#context, this.#virtual.stored).rewrite(expr) !== undefined;
  }

  #isMeasureFilter(condition: Expr): boolean {
    const { canonical, model } = this.#context;
    const key = exprKey(canonical(condition));
    return partsOf(model).some(({ filter }) =>
      conjuncts(filter).some((part) => exprKey(canonical(part)) === key),
    );
  }

  #addKey(expr: Expr): Expr {
    const key = exprKey(this.#context.canonical(expr));
    const known = this.#keys.find((k) => exprKey(this.#context.canonical(k.expr)) === key);
    if (known !== undefined) return this.#keyColumn(known);
    void this.#virtual.rewrite(expr);
    const added = { name: `k${this.#keys.length}`, expr, type: expr.type };
    this.#keys.push(added);
    return this.#keyColumn(added);
  }

  #keyColumn(key: KeyNeed): Expr {
    return column(this.#options.relation, key.name, key.type);
  }

  /** An expression that is evaluated above the scan, over group keys that are added for it. */
  #aboveScan(condition: Expr): Expr {
    const aliases = new Set(this.#match.relations.keys());
    return transformExpr(
      condition,
      (expr) => {
        if (hasSubquery(expr) || !columnsOf(expr).some((c) => aliases.has(c.relation))) {
          return undefined;
        }
        return expr.kind === 'column' || this.#tries(expr) ? this.#addKey(expr) : undefined;
      },
      { queries: true },
    );
  }

  #residual(
    splitter: AggregateSplitter,
    above: readonly Expr[],
    always: readonly Expr[],
  ): SelectBlock {
    const own = this.#keys.slice(0, this.#ownKeyCount());
    const rewrite = (expr: Expr): Expr => this.#rewriteResidual(expr, own, splitter);
    const { having, outputs, distinct, orderBy } = this.#block;
    const mapped = {
      having: [...conjuncts(having).map(rewrite)],
      outputs: outputs.map(({ name, expr }) => ({ name, expr: castTo(rewrite(expr), expr.type) })),
      distinct: typeof distinct === 'boolean' ? distinct : distinct.map(rewrite),
      orderBy: orderBy.map((item) => ({ ...item, expr: rewrite(item.expr) })),
    };
    const filtered = always.length > 0 && this.#keys.length > 0;
    const someRow = filtered ? this.#someRow(splitter) : undefined;
    // Without it, groups would be there of which no row passes.
    if (someRow !== undefined && !this.#regroup) mapped.having.push(someRow);
    this.#ensureColumn(splitter);
    const block = this.#regroup
      ? this.#regrouped(mapped, own, [...above, ...(someRow ? [someRow] : [])], splitter)
      : plainBlock(mapped);
    const { limit, offset } = this.#block;
    return {
      ...block,
      from: this.#from(splitter),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
    };
  }

  #ownKeyCount(): number {
    const { canonical } = this.#context;
    return new Set(this.#block.groupBy.map((e) => exprKey(canonical(this.#toModel(e))))).size;
  }

  /** Without any column there would be no row: an empty group has one. */
  #ensureColumn(splitter: AggregateSplitter): void {
    const columns = this.#keys.length + splitter.partials.length + this.#distincts.length;
    if (columns === 0 && splitter.rows() === undefined) this.#miss(countOfRows);
  }

  #someRow(splitter: AggregateSplitter): Expr {
    const rows = splitter.rows();
    if (rows === undefined) this.#miss(countOfRows);
    return call('>', type.boolean, [rows ?? lit.bigint(0n), lit.bigint(0n)]);
  }

  #rewriteResidual(expr: Expr, own: readonly KeyNeed[], splitter: AggregateSplitter): Expr {
    const { canonical } = this.#context;
    const keys = new Map(own.map((key) => [exprKey(canonical(key.expr)), key]));
    return transformExpr(expr, (inner) => {
      if (isLiteral(inner)) return undefined;
      const key = keys.get(exprKey(canonical(this.#toModel(inner))));
      if (key !== undefined) return castTo(this.#keyColumn(key), inner.type);
      if (inner.kind === 'aggregate') return this.#aggregate(inner, splitter);
      if (inner.kind === 'subquery') return this.#subquery(inner, own, splitter);
      return this.#strayColumn(inner);
    });
  }

  /** A subquery keeps its own aggregates; what it takes from the block may only be group keys. */
  #subquery(expr: SubqueryExpr, own: readonly KeyNeed[], splitter: AggregateSplitter): Expr {
    const { canonical } = this.#context;
    const test = expr.test && this.#rewriteResidual(expr.test, own, splitter);
    const query = mapQuery(expr.query, (top) =>
      transformExpr(
        top,
        (inner) => {
          if (inner.kind !== 'column' || !this.#match.aliases.has(inner.relation)) return undefined;
          const key = exprKey(canonical(this.#toModel(inner)));
          const known = own.find((k) => exprKey(canonical(k.expr)) === key);
          return known ? castTo(this.#keyColumn(known), inner.type) : this.#strayColumn(inner);
        },
        { queries: true },
      ),
    );
    return { ...expr, query, ...(test === undefined ? {} : { test }) };
  }

  /** A column of the block's tables that is neither grouped by nor inside an aggregate. */
  #strayColumn(expr: Expr): Expr | undefined {
    if (expr.kind !== 'column' || !this.#match.aliases.has(expr.relation)) return undefined;
    this.#code ??= 'NOT_IN_MODEL';
    return expr;
  }

  #aggregate(aggregate: AggregateExpr, splitter: AggregateSplitter): Expr {
    const model = this.#toModel(aggregate) as AggregateExpr;
    return (
      splitter.valueOf(model) ?? this.#distinct(model) ?? this.#grouped(model) ?? this.#miss(model)
    );
  }

  #miss(aggregate: AggregateExpr): Expr {
    if (measureAggregateOf(aggregate) === undefined) this.#code ??= 'AGGREGATE_NOT_SUPPORTED';
    const filter = and(...withoutRepeats([...this.#always, ...conjuncts(aggregate.filter)]));
    this.#missingAggregates.push({ ...aggregate, ...(filter === undefined ? {} : { filter }) });
    return aggregate;
  }

  #distinct(aggregate: AggregateExpr): Expr | undefined {
    const [arg] = aggregate.args;
    if (this.#options.distinct !== 'bits' || arg === undefined) return undefined;
    if (aggregate.fn !== 'count' || !aggregate.distinct || aggregate.orderBy) return undefined;
    const filter = and(...this.#always, aggregate.filter);
    return this.#bits(arg, withoutRepeats(conjuncts(filter)));
  }

  #bits(arg: Expr, filter: readonly Expr[]): Expr | undefined {
    if (!this.#hasBits(arg, filter)) return undefined;
    const relation = `${this.#options.relation}_d${this.#distincts.length}`;
    this.#distincts.push({ relation, arg, filter });
    const value = column(relation, 'distinct', type.bigint);
    return call('coalesce', type.bigint, [value, lit.bigint(0n)]);
  }

  #hasBits(arg: Expr, filter: readonly Expr[]): boolean {
    const { canonical, model } = this.#context;
    return partsOf(model).some(({ fn, arg: own, filter: kept }) => {
      if (fn !== 'distinct_bits' || own === undefined) return false;
      if (exprKey(canonical(own)) !== exprKey(canonical(arg))) return false;
      const inMeasure = new Set(conjuncts(kept).map((e) => exprKey(canonical(e))));
      const rest = filter.filter((e) => !inMeasure.delete(exprKey(canonical(e))));
      return inMeasure.size === 0 && rest.every((e) => this.#tries(e));
    });
  }

  /** Aggregates that do not mind how often a row occurs, over keys that are added for them. */
  #grouped(aggregate: AggregateExpr): Expr | undefined {
    const indifferent = aggregate.distinct || ['bool_and', 'bool_or'].includes(aggregate.fn);
    if (!indifferent || aggregate.orderBy !== undefined) return undefined;
    const inputs = [...aggregate.args, ...(aggregate.filter ? [aggregate.filter] : [])];
    if (!inputs.every((expr) => this.#tries(expr))) return undefined;
    this.#regroup = true;
    return {
      ...aggregate,
      args: aggregate.args.map((arg) => (isLiteral(arg) ? arg : this.#addKey(arg))),
      ...(aggregate.filter === undefined ? {} : { filter: this.#addKey(aggregate.filter) }),
    };
  }

  /** The block over more keys than its own: it groups again, and each partial is merged on the way. */
  #regrouped(
    mapped: MappedBlock,
    own: readonly KeyNeed[],
    above: readonly Expr[],
    splitter: AggregateSplitter,
  ): Omit<SelectBlock, 'from'> {
    const bad = splitter.partials.some(({ triple }) => triple) || this.#distincts.length > 0;
    if (bad) this.#code ??= 'AGGREGATE_NOT_SUPPORTED';
    const merge = (expr: Expr): Expr =>
      mergePartials(expr, splitter.partials, this.#options.relation);
    const where = and(...above);
    // With nothing to group by there is one row, also when no output is an aggregate: HAVING says so.
    const alone = own.length === 0 ? lit.boolean(true) : undefined;
    const having = and(...mapped.having.map(merge)) ?? alone;
    return {
      kind: 'select',
      ...(where === undefined ? {} : { where }),
      groupBy: own.map((key) => this.#keyColumn(key)),
      aggregated: true,
      ...(having === undefined ? {} : { having }),
      outputs: mapped.outputs.map(({ name, expr }) => ({ name, expr: merge(expr) })),
      distinct: typeof mapped.distinct === 'boolean' ? mapped.distinct : mapped.distinct.map(merge),
      orderBy: mapped.orderBy.map((item) => ({ ...item, expr: merge(item.expr) })),
    };
  }

  /** The matched relation, with each distinct count joined to it by the keys, NULL equal to NULL. */
  #from(splitter: AggregateSplitter): SelectBlock['from'] {
    const fields = this.#keys.map(({ name, type: t }) => ({ name, type: t, nullable: true }));
    const partials = splitter.partials.map((p) => ({
      name: p.name,
      type: p.type,
      nullable: p.fn !== 'count',
    }));
    const { relation } = this.#options;
    const counts = this.#distincts.map((distinct) => ({
      kind: 'matched' as const,
      id: distinct.relation,
      columns: [...fields, { name: 'distinct', type: type.bigint, nullable: true }],
    }));
    const rows = { kind: 'matched' as const, id: relation, columns: [...fields, ...partials] };
    if (rows.columns.length === 0 && counts.length > 0) return counts;
    return [
      counts.reduce<SelectBlock['from'][number]>((left, right) => {
        const on = and(...this.#keys.map((key) => sameKey(key, relation, right.id)));
        return { kind: 'join', type: 'left', left, right, on: on ?? lit.boolean(true) };
      }, rows),
    ];
  }

  #boundOf(expr: Expr): TimeBound | undefined {
    const { partition } = this.#match.model;
    if (partition === undefined) return undefined;
    const { canonical, sessionZone, parameters } = this.#context;
    const own: PartitionColumn = {
      key: exprKey(canonical(partition.column)),
      type: partition.column.type,
      utc: sessionZone === 'UTC',
      ...(partition.format === undefined ? {} : { format: partition.format }),
    };
    return timeBoundOf(canonical(expr), own, parameters);
  }

  #timesOf(conditions: readonly Expr[]): TimeSet {
    return conditions.reduce(
      (set, condition) => intersect(set, this.#boundOf(condition)?.set ?? everything),
      everything,
    );
  }

  #joinNeeds(scan: readonly Expr[]): { mustMatch: string[]; mayNotDrop: string[] } {
    const { model, inner } = this.#match;
    const conditions = scan.map(this.#context.canonical);
    const impliedByChild = (alias: string): boolean =>
      model.lookups.some(({ parent, alias: child }) => parent === alias && inner.has(child));
    const mustMatch = model.lookups.filter(
      ({ alias, kind }) =>
        kind === 'left' &&
        inner.has(alias) &&
        !impliedByChild(alias) &&
        !conditions.some((condition) => rejectsMissing(condition, alias)),
    );
    const mayNotDrop = model.lookups.filter(
      ({ alias, kind }) => kind === 'inner' && !inner.has(alias),
    );
    return {
      mustMatch: mustMatch.map(({ alias }) => alias),
      mayNotDrop: mayNotDrop.map(({ alias }) => alias),
    };
  }
}

const countOfRows: AggregateExpr = {
  kind: 'aggregate',
  type: type.bigint,
  fn: 'count',
  args: [],
  distinct: false,
};

/** The measure that gives the aggregate, or `undefined` when there is no such kind of measure. */
export function measureAggregateOf({
  fn,
  args,
  distinct,
  orderBy,
}: AggregateExpr): MeasureAggregate | undefined {
  if (orderBy !== undefined || args.length > 1) return undefined;
  if (distinct) return fn === 'count' ? 'count_distinct' : undefined;
  return (measureAggregates as readonly string[]).includes(fn)
    ? (fn as MeasureAggregate)
    : undefined;
}

const measureAggregates: readonly MeasureAggregate[] = [
  ...(['count', 'sum', 'min', 'max', 'avg'] as const),
  ...(['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop'] as const),
];

interface MappedBlock {
  readonly having: Expr[];
  readonly outputs: SelectBlock['outputs'];
  readonly distinct: SelectBlock['distinct'];
  readonly orderBy: SelectBlock['orderBy'];
}

function plainBlock({
  having,
  outputs,
  distinct,
  orderBy,
}: MappedBlock): Omit<SelectBlock, 'from'> {
  const where = and(...having);
  return {
    kind: 'select',
    ...(where === undefined ? {} : { where }),
    groupBy: [],
    aggregated: false,
    outputs,
    distinct,
    orderBy,
  };
}

function sameKey(key: KeyNeed, left: string, right: string): Expr {
  const sides = [left, right].map((relation) => column(relation, key.name, key.type));
  return call('not', type.boolean, [call('is_distinct', type.boolean, sides)]);
}

/** Columns of partials become aggregates that merge them. */
function mergePartials(expr: Expr, partials: readonly Partial[], relation: string): Expr {
  return transformExpr(expr, (inner) => {
    if (inner.kind !== 'column' || inner.relation !== relation) return undefined;
    const partial = partials.find(({ name }) => name === inner.name);
    if (partial === undefined) return undefined;
    const extreme = partial.fn === 'min' || partial.fn === 'max';
    const merged: Expr = {
      kind: 'aggregate',
      type: extreme ? inner.type : sumType(inner.type),
      fn: extreme ? partial.fn : 'sum',
      args: [inner],
      distinct: false,
    };
    const typed = castTo(merged, inner.type);
    return partial.fn === 'count' ? call('coalesce', type.bigint, [typed, lit.bigint(0n)]) : typed;
  });
}

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
