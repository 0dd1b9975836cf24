import type { Schema } from '@tessera/columnar';
import {
  and,
  call,
  conjuncts,
  type Expr,
  isLiteral,
  lit,
  type SelectBlock,
  type TableRelation,
  transformExpr,
  type,
} from '@tessera/sql';
import type { MatchedBlock, ModelState, PartialMerge } from '../matched.ts';
import type { Partition } from '../model.ts';
import { type ScanPlan, scanRelation } from '../scan-plan.ts';
import type { SegmentRange } from '../segment.ts';
import { partitionPredicate } from '../time/partition-predicate.ts';
import { type Choice, type CubeChoice, chooseLayouts, scanKey } from './choose.ts';
import { column, hasSubquery, isNotNull, someExpr } from './expressions.ts';
import type { BlockNeed } from './need.ts';
import type { DistinctNeed } from './need-ledger.ts';
import { sourceOf } from './partial.ts';
import type { ReasonCode } from './reasons.ts';
import { toBlock } from './star.ts';
import {
  beginning,
  end,
  extentSet,
  intersect,
  isEmpty,
  segmentRangesOf,
  setOfSegment,
  subtract,
  type TimeSet,
} from './time-set.ts';
import { dependsOnZone } from './zone-dependence.ts';

/** How one cube answers a block, with the choices of its rows and of each distinct count. */
export interface CubePlan {
  readonly blocks: readonly MatchedBlock[];
  readonly choices: readonly CubeChoice[];
  readonly micros: number;
  readonly mixed: boolean;
}

export interface CubeRefusal {
  readonly code: ReasonCode;
  readonly choices: readonly CubeChoice[];
  readonly cube: string | undefined;
}

export function isPlan(plan: CubePlan | CubeRefusal): plan is CubePlan {
  return 'blocks' in plan;
}

/** The plan of the cheapest cube that covers the most, or why none can. `block` is the flattened block. */
export function planBlock(
  block: SelectBlock,
  need: BlockNeed,
  state: ModelState,
  mayPushDown: boolean,
): CubePlan | CubeRefusal {
  const plans = state.cubes.map((cube) => planCube(block, need, state, cube, mayPushDown));
  const possible = plans.filter(isPlan).sort(byCost);
  return (
    possible[0] ??
    (plans as CubeRefusal[]).sort((a, b) => rank(b.code) - rank(a.code)).at(0) ?? {
      code: 'NO_READY_SEGMENT',
      choices: [],
      cube: undefined,
    }
  );
}

function byCost(a: CubePlan, b: CubePlan): number {
  return (
    Number(a.mixed) - Number(b.mixed) ||
    a.micros - b.micros ||
    (a.blocks[0]!.cube < b.blocks[0]!.cube ? -1 : 1)
  );
}

/** The refusal that came closest to an answer is the one to tell. */
function rank(code: ReasonCode): number {
  return ['NO_READY_SEGMENT', 'NOT_IN_ANY_CUBOID', 'STALE', 'PARTIAL_COVERAGE'].indexOf(code);
}

function planCube(
  block: SelectBlock,
  need: BlockNeed,
  state: ModelState,
  cube: ModelState['cubes'][number],
  mayPushDown: boolean,
): CubePlan | CubeRefusal {
  const onlyDistinct = need.keys.length + need.partials.length === 0;
  const rows = onlyDistinct ? [] : [{ choice: chooseLayouts(need, cube), distinct: undefined }];
  const counts = need.distincts.map((distinct) => ({
    choice: chooseLayouts(need, cube, distinct),
    distinct,
  }));
  const parts = [...rows, ...counts];
  const choices = parts.map(({ choice }) => choice);
  const refuse = (code: ReasonCode): CubeRefusal => ({ code, choices, cube: cube.name });
  const wanted = intersect(need.times, extentSet(cube.sourceExtent));
  for (const { choice, distinct } of parts) {
    const holes = subtract(wanted, choice.covered);
    const code = whyNot(choice, distinct, holes, need, mayPushDown);
    if (code !== undefined) return refuse(code);
  }
  const blocks = parts.map(({ choice, distinct }) => {
    const holes = subtract(wanted, choice.covered);
    return matchedBlock(block, need, state, choice, distinct, holes);
  });
  return {
    blocks: withTopK(blocks, need),
    choices,
    micros: choices.reduce((sum, { micros }) => sum + micros, 0),
    mixed: blocks.some(({ holes }) => holes !== undefined),
  };
}

function whyNot(
  choice: CubeChoice,
  distinct: DistinctNeed | undefined,
  holes: TimeSet,
  need: BlockNeed,
  mayPushDown: boolean,
): ReasonCode | undefined {
  const worst = [...choice.unusable.values()].at(0);
  if (choice.empty === undefined) return worst ?? noAnswer(choice);
  const scans = new Set(choice.choices.map(scanKey)).size;
  if (distinct !== undefined && (scans > 1 || !isEmpty(holes))) {
    return mustRead(worst) ?? 'DISTINCT_NOT_MERGEABLE';
  }
  if (isEmpty(holes)) return undefined;
  const nothingRead = choice.choices.length + choice.pruned.length === 0;
  if (nothingRead || need.match.model.partition === undefined) return worst ?? 'NO_READY_SEGMENT';
  if (need.distincts.length > 0) return 'DISTINCT_NOT_MERGEABLE';
  return mayPushDown ? undefined : 'PARTIAL_COVERAGE';
}

/** A distinct count for which no layout was built lacks the layout, whatever the coverage. */
function mustRead(worst: ReasonCode | undefined): ReasonCode | undefined {
  return worst === 'NOT_IN_ANY_CUBOID' ? worst : undefined;
}

function noAnswer({ cube, refusals }: CubeChoice): ReasonCode {
  const special = [...refusals.values()].find(
    ({ code }) => code !== 'MISSING_DIMENSION' && code !== 'MISSING_MEASURE',
  );
  if (cube.segments.length === 0) return 'NO_READY_SEGMENT';
  return special?.code ?? 'NOT_IN_ANY_CUBOID';
}

function matchedBlock(
  block: SelectBlock,
  need: BlockNeed,
  state: ModelState,
  choice: CubeChoice,
  distinct: DistinctNeed | undefined,
  holes: TimeSet,
): MatchedBlock {
  const ranges = segmentRangesOf(holes);
  const { model } = state;
  const schema: Schema = [
    ...need.keys.map(({ name, type: t }) => ({ name, type: t, nullable: true })),
    ...(distinct === undefined
      ? need.partials.map((p) => ({ name: p.name, type: p.type, nullable: p.fn !== 'count' }))
      : [{ name: 'distinct', type: type.bigint, nullable: false }]),
  ];
  const read = choice.choices;
  const all = new Set([...read.map(({ segment }) => segment.id), ...choice.pruned]);
  const segments = choice.cube.segments.filter(({ id }) => all.has(id));
  const scans = scansOf(choice).map((scan) => inZone(scan, need.context.sessionZone));
  const snapshots = scans.flatMap(({ lookups }) => lookups.map(({ snapshot }) => snapshot));
  const oldest = segments.map(({ builtAt }) => builtAt).reduce(smaller, end);
  return {
    relation: distinct?.relation ?? need.relation,
    model: model.name,
    cube: choice.cube.name,
    schema,
    keyCount: need.keys.length,
    merge: distinct === undefined ? mergesOf(need) : ['none'],
    scans,
    ...(ranges.length === 0 ? {} : { holes: { ranges, query: holeQuery(block, need, ranges) } }),
    coverage: {
      model: model.name,
      modelRevision: model.revision,
      cube: choice.cube.name,
      layouts: [...new Set(read.map(({ layout }) => layout.id))].sort(),
      segments: read.map(({ segment }) => segment.id),
      prunedSegments: choice.pruned,
      snapshots: [...new Set(snapshots)].sort(),
      pushedDown: ranges,
      rejectedRows: segments.reduce((sum, { rejectedRows }) => sum + rejectedRows, 0n),
      ...(segments.length === 0 ? {} : { asOf: oldest }),
    },
  };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function mergesOf(need: BlockNeed): PartialMerge[] {
  return need.partials.map(({ fn, triple }) => {
    if (triple) return 'm2';
    return fn === 'min' || fn === 'max' ? fn : 'sum';
  });
}

/** One scan per layout, filter and snapshots; one that reads nothing when there is nothing to read. */
function scansOf(choice: CubeChoice): ScanPlan[] {
  const groups = new Map<string, Choice[]>();
  for (const each of choice.choices) {
    const key = scanKey(each);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  if (groups.size === 0 && choice.empty !== undefined) {
    return [scanOfChoice(choice.cube.name, choice.empty, [])];
  }
  return [...groups.values()].map((group) => scanOfChoice(choice.cube.name, group[0]!, group));
}

/** The scan with the session's zone, when it may matter to what the scan computes. */
function inZone(scan: ScanPlan, timeZone: string): ScanPlan {
  if (timeZone === 'UTC') return scan;
  const exprs = [
    ...(scan.filter === undefined ? [] : [scan.filter]),
    ...scan.lookups.flatMap(({ on }) => on.map(({ expr }) => expr)),
    ...scan.groupBy.map(({ expr }) => expr),
    ...scan.aggregates.flatMap(({ args, filter }) => [...args, ...(filter ? [filter] : [])]),
  ];
  return exprs.some(dependsOnZone) ? { ...scan, timeZone } : scan;
}

function scanOfChoice(cube: string, first: Choice, read: readonly Choice[]): ScanPlan {
  const { answer, segment } = first;
  const filter = and(...answer.filters);
  return {
    cube,
    layout: first.layout.id,
    segments: read
      .toSorted((a, b) => bySegment(a.segment.range, b.segment.range))
      .map(({ segment, layout }) => {
        const { fileDigest, columns } = layout;
        return { id: segment.id, fileDigest, columns };
      }),
    lookups: answer.lookups.map((join) => ({
      ...join,
      snapshot: segment.snapshots[join.alias]!,
    })),
    ...(filter === undefined ? {} : { filter }),
    groupBy: answer.groupBy,
    aggregates: answer.aggregates,
  };
}

function bySegment(a: SegmentRange, b: SegmentRange): number {
  const start = (range: SegmentRange): bigint =>
    setOfSegment(range).ranges[0]?.start ?? beginning - 1n;
  return start(a) < start(b) ? -1 : 1;
}

/** The block's keys and partials from the source, for rows of the ranges only. */
function holeQuery(
  block: SelectBlock,
  need: BlockNeed,
  ranges: readonly SegmentRange[],
): SelectBlock {
  const { match } = need;
  const back = (expr: Expr): Expr => toBlock(expr, match);
  const partition = match.model.partition!;
  const inRanges = ranges.map((range) => rangePredicate(partition, range));
  const restriction = inRanges.length === 1 ? inRanges[0]! : call('or', type.boolean, inRanges);
  const kept = conjuncts(block.where).filter((condition) => !hasSubquery(condition));
  return {
    kind: 'select',
    from: block.from,
    where: and(...kept, back(restriction))!,
    groupBy: need.keys.map(({ expr }) => back(expr)),
    aggregated: true,
    outputs: [
      ...need.keys.map(({ name, expr }) => ({ name, expr: back(expr) })),
      ...need.partials.map((partial) => ({ name: partial.name, expr: back(sourceOf(partial)) })),
    ],
    distinct: false,
    orderBy: [],
  };
}

/** The rows of a range, which may have no bound on a side. Never true for a NULL, but in the range of NULLs. */
export function rangePredicate(partition: Partition, range: SegmentRange): Expr {
  const all = lit.boolean(true);
  if (range.kind !== 'range') return partitionPredicate(partition, range) ?? all;
  const unbounded = { start: range.start === beginning, end: range.end === end };
  if (unbounded.start && unbounded.end) return isNotNull(partition.column);
  const bounded: SegmentRange = {
    kind: 'range',
    start: unbounded.start ? range.end : range.start,
    end: unbounded.end ? range.start : range.end,
  };
  const wanted = conjuncts(partitionPredicate(partition, bounded)).filter(
    (part) =>
      part.kind === 'call' &&
      !(unbounded.start && part.fn === '>=') &&
      !(unbounded.end && part.fn === '<'),
  );
  return and(...wanted) ?? isNotNull(partition.column);
}

/** The first rows only, or any few of them, where one scan is all there is and the residual only orders and cuts it. */
function withTopK(blocks: readonly MatchedBlock[], need: BlockNeed): readonly MatchedBlock[] {
  const [only, ...more] = blocks;
  const topK = topKOf(need);
  const simple =
    only !== undefined && more.length === 0 && only.scans.length === 1 && only.holes === undefined;
  if (!simple || topK === undefined) return blocks;
  return [{ ...only, scans: [{ ...only.scans[0]!, topK }] }];
}

function topKOf({ residual, relation }: BlockNeed): ScanPlan['topK'] {
  const { limit, offset, orderBy, outputs } = residual;
  if (residual.where !== undefined || residual.aggregated || residual.distinct !== false) {
    return undefined;
  }
  if (outputs.some(({ expr }) => someExpr(expr, ({ kind }) => kind === 'window'))) return undefined;
  const rows = wholeNumber(limit);
  const skipped = offset === undefined ? 0 : wholeNumber(offset);
  if (rows === undefined || skipped === undefined) return undefined;
  if (!orderBy.every(({ expr }) => expr.kind === 'column' && expr.relation === relation)) {
    return undefined;
  }
  const own = (expr: Expr): Expr =>
    transformExpr(expr, (e) =>
      e.kind === 'column' ? column(scanRelation, e.name, e.type) : undefined,
    );
  return {
    orderBy: orderBy.map((item) => ({ ...item, expr: own(item.expr) })),
    limit: rows + skipped,
  };
}

function wholeNumber(expr: Expr | undefined): number | undefined {
  if (expr?.kind === 'cast') return wholeNumber(expr.arg);
  if (expr === undefined || !isLiteral(expr)) return undefined;
  const { value } = expr;
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return Number.isSafeInteger(Number(value)) && value >= 0 ? Number(value) : undefined;
}

/** The tables that a block reads, for deciding which model could have answered. */
export function tablesOf(block: SelectBlock): readonly TableRelation[] {
  const visit = (relation: SelectBlock['from'][number]): TableRelation[] => {
    if (relation.kind === 'join') return [...visit(relation.left), ...visit(relation.right)];
    return relation.kind === 'table' ? [relation] : [];
  };
  return block.from.flatMap(visit);
}
