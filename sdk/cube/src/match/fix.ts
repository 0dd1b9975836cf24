import type { AggregateExpr, Expr } from '@tessera/sql';
import { and, call, conjuncts, exprKey, lit, type } from '@tessera/sql';
import type { ModelFix } from '../matched.ts';
import type { Dimension, Measure, Model } from '../model.ts';
import type { CubeSpec, Grain, MeasureAggregate, ModelSpec } from '../model-spec.ts';
import { partsOf as partsOfMeasure } from '../resolve/measure-parts.ts';
import { expressionText } from './expression-text.ts';
import { castTo, column, columnsOf } from './expressions.ts';
import { measureAggregateOf } from './measure-aggregate.ts';
import { type BlockNeed, isNeed } from './need.ts';
import { type NotAnswered, storableDimensions } from './need-ledger.ts';
import { partsOf, scanOf } from './partial.ts';
import { type Failure, Rewriter } from './rewrite.ts';
import { isTime } from './time-term.ts';

type AddedDimension = ModelFix['addDimensions'][number];
type AddedMeasure = ModelFix['addMeasures'][number];

/** More rounds of adding what is missing than this never happened to help. */
const maxRounds = 4;
/** Nobody would apply a fix of more. */
const maxAdditions = 100;

/**
 * The smallest change of a model and its cube that makes a block match: what is missing is added, the block is looked at
 * again with it, and the dimensions that it then uses make the cuboid. `undefined` when nothing that can be
 * added helps. `unmatched`: whether some fact rows find no partner in a lookup.
 */
export function fixFor(
  model: Model,
  needWith: (model: Model) => BlockNeed | NotAnswered,
  unmatched: (alias: string) => boolean,
): ModelFix | undefined {
  const addDimensions: AddedDimension[] = [];
  const addMeasures: AddedMeasure[] = [];
  let changed = model;
  for (let round = 0; round < maxRounds; round++) {
    const need = needWith(changed);
    // Rows that the model's joins drop do not come back.
    if (isNeed(need) && need.mayNotDrop.some(unmatched)) return undefined;
    const step = isNeed(need) ? partnersOf(need, unmatched) : stepOf(changed, need);
    if (step === undefined) return undefined;
    if (isNeed(need) && step.dimensions.length === 0) {
      return fixOf(addDimensions, addMeasures, cuboidOf(need));
    }
    addDimensions.push(...step.dimensions.map(({ added }) => added));
    addMeasures.push(...step.measures.map(({ added }) => added));
    changed = {
      ...changed,
      dimensions: [...changed.dimensions, ...step.dimensions.map(({ dimension }) => dimension)],
      measures: [...changed.measures, ...step.measures.map(({ measure }) => measure)],
    };
  }
  return undefined;
}

function fixOf(
  addDimensions: readonly AddedDimension[],
  addMeasures: readonly AddedMeasure[],
  cuboid: readonly string[],
): ModelFix {
  const parts = [
    ...addDimensions.map(({ name, column, grain }) =>
      grain === undefined
        ? `add dimension ${name} (${column})`
        : `add dimension ${name} (${column}, grain ${grain})`,
    ),
    ...addMeasures.map(
      ({ name, aggregate, column, filter }) =>
        `add measure ${name} (${aggregate} of ${column ?? 'rows'}${filter === undefined ? '' : ` where ${filter}`})`,
    ),
    `keep the cuboid [${cuboid.join(', ')}]`,
  ];
  const text = parts.join('; ');
  const description = `${text[0]!.toUpperCase()}${text.slice(1)}.`;
  return { description, addDimensions, addMeasures, addCuboids: [cuboid] };
}

/** Names of the stored dimensions that the block uses when all are there. */
function cuboidOf(need: BlockNeed): readonly string[] {
  const { model } = need.match;
  const rewriter = new Rewriter(need.context, storableDimensions(model));
  const columns = new Set(partsOf(model).map(({ column }) => column));
  need.keys.forEach(({ expr }) => void rewriter.rewrite(expr));
  // A condition on the partition column alone is needed where it cuts through a segment.
  need.conditions.forEach(({ expr }) => void rewriter.rewrite(expr));
  for (const partial of need.partials) {
    rewriter.attempt(() => scanOf(partial, need.partialContext, rewriter, columns));
  }
  for (const { filter } of need.distincts) {
    for (const condition of filter) rewriter.attempt(() => rewriter.rewrite(condition));
  }
  for (const alias of need.mustMatch) {
    const lookup = model.lookups.find((each) => each.alias === alias)!;
    void (rewriter.ownKeyOf(lookup) ?? rewriter.keysOf(lookup));
  }
  const used = [...rewriter.used].sort((a, b) => a - b);
  return used.map((index) => model.dimensions[index]!.name);
}

interface Step {
  readonly dimensions: readonly { added: AddedDimension; dimension: Dimension }[];
  readonly measures: readonly { added: AddedMeasure; measure: Measure }[];
}

/** The own keys of lookups that tell rows without a partner, where nothing that is stored does. */
function partnersOf(need: BlockNeed, unmatched: (alias: string) => boolean): Step {
  const { model } = need.match;
  const rewriter = new Rewriter(need.context, storableDimensions(model));
  const names = takenNames(model);
  const untold = model.lookups.filter(
    (lookup) =>
      need.mustMatch.includes(lookup.alias) &&
      unmatched(lookup.alias) &&
      (rewriter.ownKeyOf(lookup) ?? rewriter.keysOf(lookup)) === undefined,
  );
  const dimensions = untold.flatMap(({ alias, keys, columns }) => {
    const key = columns.find(({ name }) => name === keys[0]!.column)!;
    const missing = column(alias, key.name, key.type);
    return dimensionFor({ code: 'LOOKUP_UNMATCHED_ROWS', missing }, names) ?? [];
  });
  return { dimensions, measures: [] };
}

const notFixable: ReadonlySet<string> = new Set(['TIME_ZONE', 'AGGREGATE_NOT_SUPPORTED']);

function stepOf(model: Model, need: NotAnswered): Step | undefined {
  if (notFixable.has(need.code) || need.missing.some(({ code }) => notFixable.has(code))) {
    return undefined;
  }
  const names = takenNames(model);
  const failures = distinctFailures(need.missing);
  const aggregates = new Map(need.missingAggregates.map((each) => [exprKey(each), each]));
  if (failures.length + aggregates.size > maxAdditions) return undefined;
  const dimensions = failures.map((failure) => dimensionFor(failure, names));
  const measures = [...aggregates.values()].map((each) => measureFor(model, each, names));
  if (dimensions.length + measures.length === 0) return undefined;
  if ([...dimensions, ...measures].includes(undefined)) return undefined;
  return {
    dimensions: dimensions.flatMap((each) => each ?? []),
    measures: measures.flatMap((each) => each ?? []),
  };
}

function takenNames(model: Model): Set<string> {
  return new Set([
    ...model.dimensions.map(({ name }) => name),
    ...model.measures.map(({ name }) => name),
    ...partsOf(model).map(({ column }) => column),
    ...['bucket', 'bits', 'count'],
  ]);
}

function distinctFailures(failures: readonly Failure[]): readonly Failure[] {
  const keyed = failures.map(
    (failure) => [`${expressionText(failure.missing)}/${failure.grain ?? ''}`, failure] as const,
  );
  return [...new Map(keyed).values()];
}

function nameFor(base: string, names: Set<string>): string {
  const plain =
    base
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, '_')
      .slice(0, 48) || 'added';
  const start = /^[a-z_]/.test(plain) ? plain : `d_${plain}`;
  let name = start;
  for (let i = 2; names.has(name); i++) name = `${start}_${i}`;
  names.add(name);
  return name;
}

function dimensionFor(
  { missing, grain }: Failure,
  names: Set<string>,
): Step['dimensions'][number] | undefined {
  const text = expressionText(missing);
  if (text === undefined || columnsOf(missing).length === 0) return undefined;
  const cut = usableGrain(missing, grain);
  const base = columnsOf(missing)
    .map(({ name }) => name)
    .join('_');
  const name = nameFor(cut === undefined ? base : `${base}_${cut}`, names);
  const expr = cut === undefined ? missing : truncation(missing, cut);
  const added = { name, column: text, ...(cut === undefined ? {} : { grain: cut }) };
  const dimension = { name, expr, type: expr.type, ...(cut === undefined ? {} : { grain: cut }) };
  return { added, dimension };
}

/** The grain that is enough; a date has none finer than the day. */
function usableGrain(missing: Expr, grain: Grain | undefined): Grain | undefined {
  if (!isTime(missing.type)) return undefined;
  if (missing.type.kind !== 'date') return grain;
  return grain === undefined || grain === 'hour' || grain === 'minute' ? 'day' : grain;
}

function truncation(expr: Expr, grain: Grain): Expr {
  const isDate = expr.type.kind === 'date';
  if (isDate && grain === 'day') return expr;
  const time = isDate ? castTo(expr, type.timestamp) : expr;
  return castTo(call('date_trunc', time.type, [lit.text(grain), time]), expr.type);
}

function measureFor(
  model: Model,
  aggregate: AggregateExpr,
  names: Set<string>,
): Step['measures'][number] | undefined {
  const kind = measureAggregateOf(aggregate);
  if (kind === undefined) return undefined;
  const arg = aggregate.args[0];
  const filter = and(...conjuncts(aggregate.filter));
  const column = arg && expressionText(arg);
  const condition = filter && expressionText(filter);
  if ((arg && column === undefined) || (filter && condition === undefined)) return undefined;
  const name = nameFor(
    [kind, ...(arg ? columnsOf(arg).map((c) => c.name) : ['rows'])].join('_'),
    names,
  );
  const added = {
    name,
    aggregate: kind,
    ...(column === undefined ? {} : { column }),
    ...(condition === undefined ? {} : { filter: condition }),
  };
  return { added, measure: measureOf(name, kind, model, arg, filter, aggregate) };
}

function measureOf(
  name: string,
  kind: MeasureAggregate,
  model: Model,
  arg: Expr | undefined,
  filter: Expr | undefined,
  { type: result }: AggregateExpr,
): Measure {
  const operand = {
    ...(arg === undefined ? {} : { arg }),
    ...(filter === undefined ? {} : { filter }),
    factAlias: model.fact.alias,
  };
  const parts = partsOfMeasure(kind, operand);
  const { factAlias: _, ...own } = operand;
  return { name, aggregate: kind, ...own, type: result, parts };
}

/** The specs with a fix applied: what `EXPLAIN CUBOID` promises is that with them the block matches. */
export function applyFix(
  model: ModelSpec,
  cube: CubeSpec,
  fix: ModelFix,
): { readonly model: ModelSpec; readonly cube: CubeSpec } {
  const dimensions = fix.addDimensions.map(({ name, column, grain }) => ({
    name,
    column,
    ...(grain === undefined ? {} : { grain: grain as Grain }),
  }));
  const measures = fix.addMeasures.map(({ aggregate, ...measure }) => ({
    ...measure,
    aggregate: aggregate as MeasureAggregate,
  }));
  return {
    model: {
      ...model,
      dimensions: [...model.dimensions, ...dimensions],
      measures: [...model.measures, ...measures],
    },
    cube: { ...cube, cuboids: [...cube.cuboids, ...fix.addCuboids] },
  };
}
