import { and, conjuncts, type Expr, exprKey, walkExpr } from '@tessera/sql';
import { isCurrentLayout, layoutId } from '../lattice/wanted-layouts.ts';
import type { MeasurePart, Model } from '../model.ts';
import {
  layoutRelation,
  type ScanAggregate,
  type ScanPlan,
  type SnapshotJoin,
} from '../scan-plan.ts';
import type { Layout } from '../segment.ts';
import { castTo, column, isNotNull } from './expressions.ts';
import type { BlockNeed } from './need.ts';
import type { DistinctNeed } from './need-ledger.ts';
import { partsOf, scanOf } from './partial.ts';
import type { ReasonCode } from './reasons.ts';
import { type Failure, Rewriter } from './rewrite.ts';

/** How a layout answers a block: a scan plan without its segments and snapshot versions. */
export interface LayoutAnswer {
  readonly layout: Layout;
  readonly lookups: readonly Omit<SnapshotJoin, 'snapshot'>[];
  readonly filters: readonly Expr[];
  readonly groupBy: ScanPlan['groupBy'];
  readonly aggregates: readonly ScanAggregate[];
}

export interface LayoutRefusal {
  readonly code: ReasonCode;
  readonly missing: readonly string[];
}

/** What differs from segment to segment. */
export interface Situation {
  /** Equal for equal situations. */
  readonly key: string;
  /** Positions of conditions that every row of the segments fulfils. */
  readonly dropped: ReadonlySet<number>;
  /** Lookups of which some fact rows have no partner, although the block wants those dropped. */
  readonly unmatched: readonly string[];
}

export function situationOf(dropped: ReadonlySet<number>, unmatched: readonly string[]): Situation {
  return { key: `${[...dropped].join(',')}/${unmatched.join(',')}`, dropped, unmatched };
}

export function isAnswer(answer: LayoutAnswer | LayoutRefusal): answer is LayoutAnswer {
  return 'layout' in answer;
}

/** The answer of a `rows` layout, or of the `distinct` layout of one count when `distinct` is given. */
export function answerOf(
  need: BlockNeed,
  layout: Layout,
  situation: Situation,
  distinct?: DistinctNeed,
): LayoutAnswer | LayoutRefusal {
  const { model } = need.match;
  const stored = storedColumns(model, layout);
  const rewriter = new Rewriter(need.context, stored.dimensions);
  const filters: Expr[] = [];
  const innerLookups = new Set<string>();
  const keep = (expr: Expr | undefined): void => void (expr && filters.push(expr));
  need.conditions.forEach(({ expr }, i) => {
    if (!situation.dropped.has(i)) keep(rewriter.rewrite(expr));
  });
  for (const alias of situation.unmatched)
    keep(partnerFilter(model, rewriter, alias, innerLookups));
  const groupBy = need.keys.flatMap(({ name, expr, type }) => {
    const rewritten = rewriter.rewrite(expr);
    return rewritten === undefined ? [] : [{ name, expr: castTo(rewritten, type) }];
  });
  const aggregates = distinct
    ? distinctAggregate(need, distinct, rewriter, layout)
    : rowAggregates(need, rewriter, stored.measures);
  const lookups = joinsOf(model, rewriter, innerLookups);
  if (rewriter.failures.length > 0) return refusalOf(rewriter.failures);
  if (Array.isArray(aggregates)) {
    const used = [...filters, ...groupBy.map(({ expr }) => expr), ...aggregates.flatMap(exprsOf)];
    const joins = lookups.map((join) => ({
      ...join,
      columns: columnsFor(model, join.alias, used),
    }));
    return { layout, lookups: joins, filters: filters.flatMap(conjuncts), groupBy, aggregates };
  }
  return aggregates as LayoutRefusal;
}

function exprsOf({ args, filter }: ScanAggregate): readonly Expr[] {
  return filter === undefined ? args : [...args, filter];
}

interface StoredColumns {
  /** Positions in the model. */
  readonly dimensions: ReadonlySet<number>;
  readonly measures: ReadonlySet<string>;
}

const stored = new WeakMap<Model, Map<string, StoredColumns>>();

/** Remembered by id: layouts of equal ids have equal columns. */
function storedColumns(model: Model, layout: Layout): StoredColumns {
  const ofModel = stored.get(model) ?? new Map<string, StoredColumns>();
  stored.set(model, ofModel);
  const known = ofModel.get(layout.id);
  if (known !== undefined) return known;
  const names = Map.groupBy(layout.columns, ({ role }) => role);
  const namesOf = (role: 'dimension' | 'measure') =>
    new Set((names.get(role) ?? []).map(({ name }) => name));
  const dimensions = namesOf('dimension');
  const indexes = model.dimensions.flatMap(({ name, derivedFrom }, i) =>
    derivedFrom === undefined && dimensions.has(name) ? [i] : [],
  );
  const columns = { dimensions: new Set(indexes), measures: namesOf('measure') };
  ofModel.set(layout.id, columns);
  return columns;
}

/** Drops rows without a partner: by the lookup's own key where it is kept, else by joining the snapshot. */
function partnerFilter(
  model: Model,
  rewriter: Rewriter,
  alias: string,
  innerLookups: Set<string>,
): Expr | undefined {
  const lookup = model.lookups.find((each) => each.alias === alias)!;
  const own = rewriter.ownKeyOf(lookup);
  if (own !== undefined) return isNotNull(own);
  if (rewriter.keysOf(lookup) === undefined) {
    const missing = column(lookup.parent, lookup.keys[0]!.parentColumn, { kind: 'unknown' });
    rewriter.failures.push({ code: 'LOOKUP_UNMATCHED_ROWS', missing });
  }
  rewriter.snapshots.add(alias);
  innerLookups.add(alias);
  return undefined;
}

function joinsOf(
  model: Model,
  rewriter: Rewriter,
  inner: ReadonlySet<string>,
): Omit<SnapshotJoin, 'snapshot'>[] {
  return model.lookups.flatMap((lookup) => {
    if (!rewriter.snapshots.has(lookup.alias)) return [];
    const on = rewriter.keysOf(lookup);
    if (on === undefined) return [];
    return [{ alias: lookup.alias, on, columns: [], inner: inner.has(lookup.alias) }];
  });
}

function columnsFor(model: Model, alias: string, used: readonly Expr[]): SnapshotJoin['columns'] {
  const names = new Set<string>();
  for (const expr of used) {
    walkExpr(expr, (e) => {
      if (e.kind === 'column' && e.relation === alias) names.add(e.name);
    });
  }
  const lookup = model.lookups.find((each) => each.alias === alias);
  return (lookup?.columns ?? []).filter(({ name }) => names.has(name));
}

function rowAggregates(
  need: BlockNeed,
  rewriter: Rewriter,
  measures: ReadonlySet<string>,
): ScanAggregate[] | LayoutRefusal {
  const missing: string[] = [];
  const aggregates = need.partials.flatMap((partial): ScanAggregate[] => {
    const found = rewriter.attempt(() => scanOf(partial, need.partialContext, rewriter, measures));
    if (found === undefined) missing.push(partialName(partial, need));
    return found === undefined ? [] : [{ ...found, name: partial.name, type: partial.type }];
  });
  return missing.length === 0 ? aggregates : { code: 'MISSING_MEASURE', missing };
}

function partialName(partial: BlockNeed['partials'][number], need: BlockNeed): string {
  const measure = need.match.model.measures.find(({ parts }) =>
    parts.some(({ fn, arg }) => fn === partial.fn && keyOf(arg) === keyOf(partial.arg)),
  );
  return measure?.name ?? partial.fn;
}

const keyOf = (expr: Expr | undefined): string => (expr === undefined ? '*' : exprKey(expr));

function distinctAggregate(
  need: BlockNeed,
  distinct: DistinctNeed,
  rewriter: Rewriter,
  layout: Layout,
): ScanAggregate[] | LayoutRefusal {
  const { canonical, model } = need.context;
  const key = (expr: Expr): string => exprKey(canonical(expr));
  const part = bitsPartOf(model, layout);
  const kept = new Set(conjuncts(part?.filter).map(key));
  const wanted = new Set(distinct.filter.map(key));
  const fits =
    part?.arg !== undefined && key(part.arg) === key(distinct.arg) && kept.isSubsetOf(wanted);
  if (!fits) return { code: 'MISSING_MEASURE', missing: ['count_distinct'] };
  const rest = rewriter.rewriteAll(distinct.filter.filter((expr) => !kept.has(key(expr))));
  if (rest === undefined) return refusalOf(rewriter.failures);
  const filter = and(...rest);
  const args = ['bucket', 'bits'].map((name) => column(layoutRelation, name, { kind: 'bigint' }));
  return [
    {
      name: 'distinct',
      fn: 'distinct',
      args,
      type: { kind: 'bigint' },
      ...(filter === undefined ? {} : { filter }),
    },
  ];
}

const bitsParts = new WeakMap<Model, Map<string, MeasurePart | undefined>>();

/** The distinct count that a `distinct` layout was built for; remembered, because ids are digests. */
function bitsPartOf(model: Model, layout: Layout): MeasurePart | undefined {
  const known = bitsParts.get(model) ?? new Map<string, MeasurePart | undefined>();
  bitsParts.set(model, known);
  if (known.has(layout.id)) return known.get(layout.id);
  const names = layout.columns.filter(({ role }) => role === 'dimension').map(({ name }) => name);
  const found = partsOf(model).find(
    (part) =>
      part.fn === 'distinct_bits' && layoutId(model, 'distinct', names, [part]) === layout.id,
  );
  known.set(layout.id, found);
  return found;
}

function refusalOf(failures: readonly Failure[]): LayoutRefusal {
  const special = failures.find(({ code }) => code !== 'MISSING_DIMENSION');
  const names = failures.map(({ missing }) =>
    missing.kind === 'column' ? `${missing.relation}.${missing.name}` : missing.kind,
  );
  return { code: special?.code ?? 'MISSING_DIMENSION', missing: [...new Set(names)] };
}

const current = new WeakMap<Model, Map<string, boolean>>();

/** `isCurrentLayout`, remembered per model: it digests the model's definitions. */
export function isCurrent(model: Model, layout: Layout): boolean {
  const known = current.get(model) ?? new Map<string, boolean>();
  current.set(model, known);
  const before = known.get(layout.id);
  if (before !== undefined) return before;
  const answer = isCurrentLayout(model, layout);
  known.set(layout.id, answer);
  return answer;
}
