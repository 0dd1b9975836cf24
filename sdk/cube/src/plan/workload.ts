import { conjuncts, type Expr, type Statement, walkExpr } from '@tessera/sql';
import { type CuboidId, cuboidOf } from '../cuboid.ts';
import { dimensionIndex } from '../lattice/cuboids-of-groups.ts';
import { type WantedLayout, wantedLayouts } from '../lattice/wanted-layouts.ts';
import { matchStatement } from '../match/match-statement.ts';
import type { MatchedBlock, ModelState, Reason, SourceExtent } from '../matched.ts';
import type { Model } from '../model.ts';
import { layoutRelation, type ScanPlan } from '../scan-plan.ts';
import type { SegmentRange } from '../segment.ts';
import { partsOfModel } from './parts.ts';
import type { PlanFilter, PlanQuery } from './plan-query.ts';

/** What a workload is planned for: a model, the segments that it would have, and what is known of its lookups. */
export interface WorkloadContext {
  readonly model: Model;
  readonly ranges: readonly SegmentRange[];
  readonly extent: SourceExtent;
  /** By lookup alias: fact rows without a partner, where a build has counted them. Unknown is taken for none. */
  readonly unmatchedRows: Readonly<Record<string, bigint>>;
}

export interface WorkloadOfStatement {
  readonly queries: readonly PlanQuery[];
  /** One per query block that no cuboid of the model can answer. */
  readonly refusals: readonly Reason[];
}

/** Blocks that read no table of a model are nobody's loss. */
const harmless: ReadonlySet<string> = new Set(['NO_TABLES', 'LOOKUP_ONLY']);
/** More segments than this are taken for one: then no time filter is known to end where a segment does. */
const maxSegments = 512;

/** Turns statements into what they read of cuboids, by matching them against a cube that keeps everything. */
export class WorkloadReader {
  readonly #model: Model;
  readonly #layouts: ReadonlyMap<string, WantedLayout>;
  readonly #state: ModelState;

  constructor(context: WorkloadContext) {
    const { model } = context;
    this.#model = model;
    const layouts = wantedLayouts(model, { groups: [], cuboids: [storedNames(model)] });
    this.#layouts = new Map(layouts.map((layout) => [layout.id, layout]));
    this.#state = stateThatKeeps(layouts, context);
  }

  statement(statement: Statement, text: string, weight: number): WorkloadOfStatement {
    const matched = matchStatement(statement, [this.#state], { cuboids: 'auto' });
    return {
      queries: matched.blocks.flatMap((block) => this.#query(block, text, weight)),
      refusals: matched.explanations.flatMap(({ outcome, reason }) =>
        outcome === 'cuboid' || reason === undefined || harmless.has(reason.code) ? [] : [reason],
      ),
    };
  }

  /** A block of the query log. Names that the model does not have any more are left out. */
  logged(
    block: { readonly dimensions: readonly string[]; readonly measures: readonly string[] },
    text: string,
    weight: number,
  ): PlanQuery[] {
    const index = dimensionIndex(this.#model);
    const known = new Set(this.#model.dimensions.map(({ name }) => name));
    const names = block.dimensions.filter((name) => known.has(name));
    const query = { text, weight, cuboid: cuboidOf(names.map(index)), filters: [] };
    const measures = this.#model.measures.filter(({ name }) => block.measures.includes(name));
    const parts = partsOfModel({ ...this.#model, measures });
    const counted = parts.filter(({ fn }) => fn === 'distinct_bits');
    const rows = parts.length > counted.length || parts.length === 0 ? [query] : [];
    return [...rows, ...counted.map(({ column }) => ({ ...query, companion: column }))];
  }

  /** Nothing, when no segment can hold a row of it. */
  #query(block: MatchedBlock, text: string, weight: number): PlanQuery[] {
    const layout = this.#layouts.get(block.scans[0]?.layout ?? '');
    if (layout === undefined) return [];
    const used = block.scans.flatMap((scan) => this.#dimensionsOf(expressionsOf(scan)));
    const filters = block.scans.flatMap(({ filter }) =>
      conjuncts(filter).flatMap((condition) => this.#filter(condition)),
    );
    const companion = layout.kind === 'distinct' ? layout.parts[0]?.column : undefined;
    return [
      {
        text,
        weight,
        cuboid: cuboidOf(used),
        filters,
        ...(companion === undefined ? {} : { companion }),
      },
    ];
  }

  #dimensionsOf(exprs: readonly Expr[]): number[] {
    const found: number[] = [];
    for (const expr of exprs) {
      walkExpr(expr, (each) => {
        if (each.kind !== 'column' || each.relation !== layoutRelation) return;
        const dimension = this.#model.dimensions.findIndex(({ name }) => name === each.name);
        if (dimension !== -1) found.push(dimension);
      });
    }
    return found;
  }

  #filter(condition: Expr): PlanFilter[] {
    const dimensions = this.#dimensionsOf([condition]);
    const [dimension] = dimensions;
    if (dimension === undefined || new Set(dimensions).size > 1) return [];
    const values = valuesThatPass(condition);
    return [{ dimension, ...(values === undefined ? {} : { values }) }];
  }
}

/**
 * Questions that a model itself suggests, for when nobody has asked any: each dimension, each pair, and each hierarchy from its
 * top down. `weight` is theirs together.
 */
export function questionsOfModel(model: Model, weight: number): PlanQuery[] {
  const stored = storedDimensions(model);
  const pairs =
    stored.length > maxPaired
      ? []
      : stored.flatMap((a, i) => stored.slice(i + 1).map((b) => [a, b]));
  const drills = model.hierarchies.flatMap((chain) => chain.map((_, i) => chain.slice(0, i + 1)));
  const kinds = [stored.map((dimension) => [dimension]), pairs, drills].filter(
    ({ length }) => length > 0,
  );
  return kinds.flatMap((sets) =>
    sets.map((set) => ({
      text: `by ${set.map((i) => model.dimensions[i]!.name).join(', ')}`,
      cuboid: storedSet(model, set),
      filters: [],
      weight: weight / kinds.length / sets.length,
    })),
  );
}

/** Pairs of more dimensions than this say nothing any more. */
const maxPaired = 40;

function storedSet(model: Model, dimensions: readonly number[]): CuboidId {
  return cuboidOf(dimensions.map((i) => model.dimensions[i]!.derivedFrom?.dimension ?? i));
}

/** Positions of the dimensions that layouts store. */
export function storedDimensions(model: Model): number[] {
  return model.dimensions.flatMap(({ derivedFrom }, i) => (derivedFrom === undefined ? [i] : []));
}

function storedNames(model: Model): string[] {
  return storedDimensions(model).map((i) => model.dimensions[i]!.name);
}

/** The model with one cube whose segments all keep these layouts. */
function stateThatKeeps(
  layouts: readonly WantedLayout[],
  { model, ranges, extent, unmatchedRows }: WorkloadContext,
): ModelState {
  const built = layouts.map((layout) => ({
    ...layout,
    rowCount: 1_000_000n,
    sizeBytes: 10_000_000n,
    checksum: '',
    fileDigest: layout.id,
    file: '',
  }));
  const snapshots = Object.fromEntries(model.lookups.map(({ alias }) => [alias, 'planned']));
  const unmatched = model.lookups.map(({ alias }) => [alias, unmatchedRows[alias] ?? 0n]);
  const known: readonly SegmentRange[] = ranges.length > maxSegments ? [{ kind: 'all' }] : ranges;
  const segments = known.map((range, i) => ({
    id: `planned-${i}`,
    range,
    state: 'READY' as const,
    layouts: built,
    snapshots,
    sourceVersions: {},
    modelRevision: model.revision,
    sourceRows: 1_000_000n,
    rejectedRows: 0n,
    builtAt: 0n,
    unmatchedRows: Object.fromEntries(unmatched),
  }));
  const cube = { name: 'planned', segments, stale: new Set<string>(), sourceExtent: extent };
  return { model, cubes: [cube], snapshots: new Map(), pushDown: true };
}

function expressionsOf({ filter, groupBy, lookups, aggregates }: ScanPlan): Expr[] {
  return [
    ...(filter === undefined ? [] : [filter]),
    ...groupBy.map(({ expr }) => expr),
    ...lookups.flatMap(({ on }) => on.map(({ expr }) => expr)),
    ...aggregates.flatMap(({ args, filter: own }) => [
      ...args,
      ...(own === undefined ? [] : [own]),
    ]),
  ];
}

/** How many values of a dimension fulfil a condition on it, where the condition lists them. */
function valuesThatPass(condition: Expr): number | undefined {
  if (condition.kind !== 'call') return undefined;
  if (condition.fn === 'in') return condition.args.length - 1;
  if (condition.fn === 'or') {
    const parts = condition.args.map(valuesThatPass);
    return parts.every((part) => part !== undefined)
      ? parts.reduce((sum, part) => sum + part, 0)
      : undefined;
  }
  const plain = condition.args.some(({ kind }) => kind === 'column');
  return condition.fn === '=' && plain ? 1 : undefined;
}
