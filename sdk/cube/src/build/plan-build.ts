import { createHash } from 'node:crypto';
import type { DataType } from '@tessera/columnar';
import { type ColumnExpr, type Expr, exprKey, walkExpr } from '@tessera/sql';
import type {
  BuildInput,
  BuildMeasure,
  BuildPlan,
  DictionaryStep,
  LayoutStep,
} from '../build-plan.ts';
import type { WantedLayout } from '../lattice/wanted-layouts.ts';
import type { MeasurePart, Model } from '../model.ts';
import type { SegmentRange } from '../segment.ts';
import { partitionPredicate } from '../time/partition-predicate.ts';

export interface BuildTask {
  /** Resource name of the cube. */
  readonly cube: string;
  readonly model: Model;
  readonly segments: readonly { readonly id: string; readonly range: SegmentRange }[];
  readonly layouts: readonly WantedLayout[];
  /** What every one of the segments has already, current and with its file. */
  readonly stored?: readonly WantedLayout[];
  /** By lookup alias: id of the snapshot that stands for it. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Estimated rows per layout id, as far as they are known: they only decide which parent is cheapest. */
  readonly estimatedRows?: ReadonlyMap<string, number>;
}

/**
 * At most one pass over the source for all segments: the flat relation has just the columns that the layouts need (all lookups
 * are joined, so that rows without a partner are counted), and each layout is rolled up from the smallest relation that
 * is stored or was built before it and holds all its columns (Kylin's spanning tree).
 */
export function planBuild(task: BuildTask): BuildPlan {
  const { model } = task;
  const named = new FlatColumns(model);
  const dictionaries = new Map<string, DictionaryStep>();
  const steps = task.layouts.map((layout) => layoutStep(model, layout, named, dictionaries));
  const layouts = spanningTree(task, steps);
  const fromSource = layouts.filter(({ parent, stored }) => parent === undefined && !stored);
  const used = columnsUsed(fromSource);
  const flat = named.columns.filter(({ name }) => used.has(name));
  return {
    cube: task.cube,
    ...(model.timeZone === 'UTC' ? {} : { timeZone: model.timeZone }),
    ...(task.layouts.length > 0 && fromSource.length === 0
      ? { inputs: [], joins: [] }
      : sourceOf(task, flat)),
    segments: task.segments.map(({ id, range }) => ({ id, range, ...predicateOf(model, range) })),
    flat,
    dictionaries: [...dictionaries.values()].filter(({ column }) => used.has(column)),
    layouts,
  };
}

/** Names of the flat columns that layouts are computed from. */
function columnsUsed(steps: readonly LayoutStep[]): ReadonlySet<string> {
  return new Set(
    steps.flatMap(({ dimensions, measures }) => [
      ...dimensions,
      ...measures.flatMap(({ arg, filter }) => [arg ?? [], filter ?? []].flat()),
    ]),
  );
}

function sourceOf(task: BuildTask, flat: BuildPlan['flat']): Pick<BuildPlan, 'inputs' | 'joins'> {
  const exprs = flat.map(({ expr }) => expr);
  return {
    inputs: inputs(task, exprs),
    joins: task.model.lookups.map(({ alias, kind, keys, parent }) => ({
      alias,
      kind,
      keys: keys.map(({ parentColumn, column }) => ({ parent, parentColumn, column })),
    })),
  };
}

function predicateOf(model: Model, range: SegmentRange): { predicate?: Expr } {
  if (model.partition === undefined || range.kind === 'all') return {};
  const predicate = partitionPredicate(model.partition, range);
  return predicate === undefined ? {} : { predicate };
}

/** Columns of the flat relation, each expression once. Dimensions keep their names. */
class FlatColumns {
  readonly columns: { readonly name: string; readonly expr: Expr; readonly type: DataType }[] = [];
  readonly #names = new Map<string, string>();
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  dimension(name: string): string {
    const { expr, type } = this.#model.dimensions.find((dimension) => dimension.name === name)!;
    if (!this.columns.some((column) => column.name === name))
      this.columns.push({ name, expr, type });
    return name;
  }

  value(expr: Expr): string {
    const key = exprKey(expr);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = `value ${this.#names.size}`; // With a space: no dimension is called so.
    this.#names.set(key, name);
    this.columns.push({ name, expr, type: expr.type });
    return name;
  }
}

function layoutStep(
  model: Model,
  layout: WantedLayout,
  flat: FlatColumns,
  dictionaries: Map<string, DictionaryStep>,
): LayoutStep {
  return {
    layout: layout.id,
    kind: layout.kind,
    dimensions: layout.dimensions.map((name) => flat.dimension(name)),
    columns: layout.columns,
    measures: layout.parts.map((part) => buildMeasure(model, part, flat, dictionaries)),
    sortColumns: layout.sortColumns,
  };
}

function buildMeasure(
  model: Model,
  part: MeasurePart,
  flat: FlatColumns,
  dictionaries: Map<string, DictionaryStep>,
): BuildMeasure {
  const arg = part.arg && flat.value(part.arg);
  const measure: BuildMeasure = {
    column: part.column,
    fn: part.fn,
    type: part.type,
    ...(arg === undefined ? {} : { arg }),
    ...(part.filter === undefined ? {} : { filter: flat.value(part.filter) }),
  };
  if (part.fn !== 'distinct_bits' || arg === undefined || hasOwnIds(part.arg!.type)) return measure;
  const dictionary = dictionaryName(model, part.arg!);
  dictionaries.set(dictionary, { name: dictionary, column: arg, type: part.arg!.type });
  return { ...measure, dictionary };
}

/** Integers are their own ids. */
function hasOwnIds({ kind }: DataType): boolean {
  return kind === 'smallint' || kind === 'integer' || kind === 'bigint' || kind === 'date';
}

function dictionaryName(model: Model, arg: Expr): string {
  const digest = createHash('sha256').update(exprKey(arg)).digest('hex').slice(0, 12);
  return `${model.name}-${digest}`;
}

function inputs(task: BuildTask, exprs: readonly Expr[]): BuildInput[] {
  const { model, snapshots } = task;
  const read = new Map<string, Set<string>>();
  const note = (alias: string, column: string) => {
    read.set(alias, (read.get(alias) ?? new Set()).add(column));
  };
  for (const expr of exprs) for (const { relation, name } of columnsIn(expr)) note(relation, name);
  if (model.partition) {
    for (const { relation, name } of columnsIn(model.partition.column)) note(relation, name);
  }
  for (const { alias, parent, keys } of model.lookups) {
    for (const key of keys) {
      note(parent, key.parentColumn);
      note(alias, key.column);
    }
  }
  return [model.fact, ...model.lookups]
    .filter(({ alias }) => alias === model.fact.alias || read.has(alias))
    .map(({ alias, table, columns }) => ({
      alias,
      source: table.source,
      table: table.table,
      columns: columns.filter(({ name }) => read.get(alias)?.has(name)),
      ...(snapshots[alias] === undefined ? {} : { snapshot: snapshots[alias] }),
    }));
}

function columnsIn(expr: Expr): ColumnExpr[] {
  const columns: ColumnExpr[] = [];
  walkExpr(expr, (node) => {
    if (node.kind === 'column') columns.push(node);
  });
  return columns;
}

/**
 * Orders the layouts so that parents come first and gives each the parent with the fewest rows among those that hold
 * all its columns. Without estimates, fewer dimensions are taken for fewer rows; of equals, what was just built is
 * at hand and comes before what is stored.
 */
function spanningTree(
  { layouts, stored = [], estimatedRows = new Map() }: BuildTask,
  steps: readonly LayoutStep[],
): LayoutStep[] {
  const weight = (layout: WantedLayout) => estimatedRows.get(layout.id) ?? 0;
  const isStored = new Set(stored);
  const bySize = layouts
    .map((layout, i) => ({ layout, step: steps[i]! }))
    .sort(
      (a, b) =>
        b.layout.dimensions.length - a.layout.dimensions.length ||
        weight(b.layout) - weight(a.layout) ||
        (a.layout.id < b.layout.id ? -1 : 1),
    );
  return bySize.map(({ layout, step }, i) => {
    const built = bySize.slice(0, i).map((before) => before.layout);
    const parent = [...built, ...stored]
      .filter((candidate) => canGive(candidate, layout))
      .sort((a, b) => weight(a) - weight(b) || a.dimensions.length - b.dimensions.length)
      .at(0);
    if (parent === undefined) return step;
    return isStored.has(parent)
      ? { ...step, stored: { layout: parent.id, columns: parent.columns } }
      : { ...step, parent: parent.id };
  });
}

function canGive(parent: WantedLayout, child: WantedLayout): boolean {
  const columns = new Set(parent.parts.map(({ column }) => column));
  return (
    parent.kind === child.kind &&
    (parent.cuboid & child.cuboid) === child.cuboid &&
    child.parts.every(({ column }) => columns.has(column))
  );
}
