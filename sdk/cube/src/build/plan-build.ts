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
  /** By lookup alias: id of the snapshot that stands for it. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Estimated rows per layout id, as far as they are known: they only decide which parent is cheapest. */
  readonly estimatedRows?: ReadonlyMap<string, number>;
}

/**
 * One pass over the source for all segments: the flat relation has just the columns that the layouts need (all lookups
 * are joined, so that rows without a partner are counted), and each layout is rolled up from the smallest relation that was built before it and holds all its columns (Kylin's
 * spanning tree).
 */
export function planBuild(task: BuildTask): BuildPlan {
  const { model } = task;
  const flat = new FlatColumns(model);
  const dictionaries = new Map<string, DictionaryStep>();
  const steps = task.layouts.map((layout) => layoutStep(model, layout, flat, dictionaries));
  return {
    cube: task.cube,
    ...(model.timeZone === 'UTC' ? {} : { timeZone: model.timeZone }),
    inputs: inputs(
      task,
      flat.columns.map(({ expr }) => expr),
    ),
    joins: model.lookups.map(({ alias, kind, keys, parent }) => ({
      alias,
      kind,
      keys: keys.map(({ parentColumn, column }) => ({ parent, parentColumn, column })),
    })),
    segments: task.segments.map(({ id, range }) => ({ id, range, ...predicateOf(model, range) })),
    flat: flat.columns,
    dictionaries: [...dictionaries.values()],
    layouts: spanningTree(task.layouts, steps, task.estimatedRows ?? new Map()),
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
 * all its columns. Without estimates, fewer dimensions are taken for fewer rows.
 */
function spanningTree(
  layouts: readonly WantedLayout[],
  steps: readonly LayoutStep[],
  estimatedRows: ReadonlyMap<string, number>,
): LayoutStep[] {
  const weight = (layout: WantedLayout) => estimatedRows.get(layout.id) ?? 0;
  const bySize = layouts
    .map((layout, i) => ({ layout, step: steps[i]! }))
    .sort(
      (a, b) =>
        b.layout.dimensions.length - a.layout.dimensions.length ||
        weight(b.layout) - weight(a.layout) ||
        (a.layout.id < b.layout.id ? -1 : 1),
    );
  return bySize.map(({ layout, step }, i) => {
    const parent = bySize
      .slice(0, i)
      .map((built) => built.layout)
      .filter((candidate) => canGive(candidate, layout))
      .sort((a, b) => weight(a) - weight(b) || a.dimensions.length - b.dimensions.length)
      .at(0);
    return parent === undefined ? step : { ...step, parent: parent.id };
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
