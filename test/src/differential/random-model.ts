import type {
  CubeSpec,
  DimensionSpec,
  Grain,
  JoinSpec,
  MeasureSpec,
  ModelSpec,
} from '@tessera/cube';
import fc from 'fast-check';

/** A random model over `tables`, what its cube keeps, and which of its segments are left unbuilt. */
export interface RandomModel {
  readonly model: ModelSpec;
  readonly cube: CubeSpec;
  /** Positions of the built segments that are dropped again, so that answers are mixed. */
  readonly dropped: readonly number[];
  readonly format: 'parquet' | 'csv';
}

export const joins: readonly JoinSpec[] = [
  { table: 'la', alias: 'a1', on: 'f.k1 = a1.id', kind: 'left' },
  { table: 'la', alias: 'a2', on: 'f.k2 = a2.id', kind: 'left' },
  { table: 'lb', alias: 'b1', on: 'a1.b_id = b1.id', kind: 'left' },
  { table: 'lc', alias: 'c1', on: 'f.code = c1.code', kind: 'left' },
  { table: 'ld', alias: 'd1', on: 'f.i = d1.x and f.code = d1.y', kind: 'left' },
];

/** Each with its parent before it. */
const randomJoins: fc.Arbitrary<JoinSpec[]> = fc
  .tuple(fc.subarray([...joins]), fc.infiniteStream(fc.nat(24)))
  .map(([chosen, kinds]) => {
    const aliases = new Set(chosen.map(({ alias }) => alias));
    const complete = joins.filter(
      ({ alias }) => aliases.has(alias) || (alias === 'a1' && aliases.has('b1')),
    );
    return complete.map((join) => ({
      ...join,
      kind: kinds.next().value === 0 ? 'inner' : 'left',
    }));
  });

const factDimensions: readonly DimensionSpec[] = [
  { name: 'day', column: 'f.d' },
  { name: 'month', column: 'f.d', grain: 'month' },
  { name: 'week', column: 'f.d', grain: 'week' },
  { name: 'at_hour', column: 'f.t', grain: 'hour' },
  { name: 'at_day', column: 'f.t', grain: 'day' },
  { name: 'at_raw', column: 'f.t' },
  { name: 'txt', column: 'f.txt' },
  // Names that builds could use themselves.
  { name: 'id', column: 'f.i' },
  { name: 's', column: 'f.s' },
  { name: 'b', column: 'f.b' },
  { name: 'n', column: 'f.n' },
  { name: 'k1', column: 'f.k1' },
  { name: 'k2', column: 'f.k2' },
  { name: 'code', column: 'f.code' },
  { name: 'upper_txt', column: 'upper(f.txt)' },
  { name: 'odd', column: 'f.i % 3' },
  { name: 'high', column: 'f.n > 10' },
  { name: 'year', column: 'extract(year from f.d)::int' },
];

/** By alias: dimensions of a lookup, and from which key dimension they can be derived. */
const lookupDimensions: Readonly<Record<string, readonly DimensionSpec[]>> = {
  a1: [
    { name: 'a1_id', column: 'a1.id' },
    { name: 'a1_name', column: 'a1.name', derivedFrom: 'k1' },
    { name: 'a1_grp', column: 'a1.grp', derivedFrom: 'k1' },
    { name: 'a1_b', column: 'a1.b_id' },
    { name: 'a1_size', column: 'a1.size' },
  ],
  a2: [
    { name: 'a2_id', column: 'a2.id' },
    { name: 'a2_name', column: 'a2.name', derivedFrom: 'k2' },
    { name: 'a2_grp', column: 'a2.grp' },
  ],
  b1: [
    { name: 'b1_region', column: 'b1.region', derivedFrom: 'a1_b' },
    { name: 'b1_opened', column: 'b1.opened' },
  ],
  c1: [
    { name: 'c1_label', column: 'c1.label', derivedFrom: 'code' },
    { name: 'c1_active', column: 'c1.active' },
    { name: 'c1_code', column: 'c1.code' },
  ],
  d1: [{ name: 'value', column: 'd1.value' }],
};

const measures: readonly MeasureSpec[] = [
  { name: 'rows', aggregate: 'count' },
  { name: 'mi_count', aggregate: 'count', column: 'f.mi' },
  { name: 'mi_sum', aggregate: 'sum', column: 'f.mi' },
  { name: 'mi_avg', aggregate: 'avg', column: 'f.mi' },
  { name: 'mi_min', aggregate: 'min', column: 'f.mi' },
  { name: 'mi_max', aggregate: 'max', column: 'f.mi' },
  { name: 'mi_spread', aggregate: 'stddev_samp', column: 'f.mi' },
  { name: 'mb_sum', aggregate: 'sum', column: 'f.mb' },
  { name: 'mb_avg', aggregate: 'avg', column: 'f.mb' },
  { name: 'mn_sum', aggregate: 'sum', column: 'f.mn' },
  { name: 'mn_avg', aggregate: 'avg', column: 'f.mn' },
  { name: 'mn_var', aggregate: 'var_pop', column: 'f.mn' },
  { name: 'mn_max', aggregate: 'max', column: 'f.mn' },
  { name: 'mf_sum', aggregate: 'sum', column: 'f.mf' },
  { name: 'mf_avg', aggregate: 'avg', column: 'f.mf' },
  { name: 'mf_var', aggregate: 'var_samp', column: 'f.mf' },
  { name: 'mf_min', aggregate: 'min', column: 'f.mf' },
  { name: 'product', aggregate: 'sum', column: 'f.mi * f.mn' },
  { name: 'big', aggregate: 'count', filter: 'f.mi > 100' },
  { name: 'big_sum', aggregate: 'sum', column: 'f.mn', filter: 'f.mi > 100' },
  { name: 'last_txt', aggregate: 'max', column: 'f.txt' },
  { name: 'first_t', aggregate: 'min', column: 'f.t' },
  { name: 'last_d', aggregate: 'max', column: 'f.d' },
  { name: 'txts', aggregate: 'count_distinct', column: 'f.txt', precision: 'exact' },
  { name: 'mis', aggregate: 'count_distinct', column: 'f.mi', precision: 'exact' },
];

const partitions = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ column: 'f.d', grain: 'month' as Grain }) },
  { weight: 1, arbitrary: fc.constant({ column: 'f.t', grain: 'month' as Grain }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

export const randomModel: fc.Arbitrary<RandomModel> = fc
  .tuple(randomJoins, partitions, fc.boolean())
  .chain(([chosen, partition, keepsKeys]) => {
    const possible = chosen.flatMap(({ alias }) => lookupDimensions[alias] ?? []);
    return fc.tuple(
      fc.constant({ chosen, partition }),
      fc.shuffledSubarray([...factDimensions], { minLength: 5, maxLength: 14 }),
      fc.subarray(possible, { minLength: Math.min(possible.length, keepsKeys ? 2 : 0) }),
      fc.subarray(measures.slice(1), { minLength: 8 }),
      fc.infiniteStream(fc.nat(1_000)),
      fc.record({
        dropped: fc.oneof(
          fc.constant([]),
          fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 2 }),
        ),
        format: fc.constantFrom<'parquet' | 'csv'>('parquet', 'csv'),
      }),
    );
  })
  .map(([{ chosen, partition }, ofFact, ofLookups, kept, random, rest]) => {
    const next = (limit: number) => random.next().value! % limit;
    const keys = keysFor(ofLookups, ofFact);
    const stored = [...ofFact, ...keys, ...ofLookups];
    const dimensions = stored.map((each) => withoutSome(each, stored, next));
    const model: ModelSpec = {
      fact: { source: 'files', table: 'fact', alias: 'f' },
      joins: chosen,
      ...(partition === undefined ? {} : { partition }),
      dimensions,
      hierarchies: [],
      computedColumns: [],
      measures: atMostOneDistinct([measures[0]!, ...kept], next),
    };
    return { model, cube: cubeOf(model, next), ...rest };
  });

/** Key dimensions that derived ones need and the model does not have yet. */
function keysFor(
  ofLookups: readonly DimensionSpec[],
  ofFact: readonly DimensionSpec[],
): DimensionSpec[] {
  const have = new Set([...ofFact, ...ofLookups].map(({ name }) => name));
  const wanted = new Set(ofLookups.flatMap(({ derivedFrom }) => derivedFrom ?? []));
  const known = [...factDimensions, ...Object.values(lookupDimensions).flat()];
  return known.filter(({ name }) => wanted.has(name) && !have.has(name));
}

/** Some that could be derived are stored. */
function withoutSome(
  { derivedFrom, ...dimension }: DimensionSpec,
  stored: readonly DimensionSpec[],
  next: (limit: number) => number,
): DimensionSpec {
  const keyed = stored.some(({ name }) => name === derivedFrom);
  return derivedFrom !== undefined && keyed && next(3) > 0
    ? { ...dimension, derivedFrom }
    : dimension;
}

/** A bitmap per cuboid and count: one is enough for one model. */
function atMostOneDistinct(kept: readonly MeasureSpec[], next: (limit: number) => number) {
  const distinct = kept.filter(({ aggregate }) => aggregate === 'count_distinct');
  const chosen = distinct[next(2)];
  return kept.filter((each) => each.aggregate !== 'count_distinct' || each === chosen);
}

function cubeOf({ dimensions, partition }: ModelSpec, next: (limit: number) => number): CubeSpec {
  const names = dimensions.filter((d) => d.derivedFrom === undefined).map(({ name }) => name);
  const subset = (odds: number) => names.filter(() => next(100) < odds);
  const base = next(4) > 0 ? [names] : [];
  const cuboids = [...base, subset(60), subset(40), subset(20)];
  const unique = [...new Map(cuboids.map((each) => [each.join(), each])).values()];
  const grouped = next(3) === 0 ? unique.pop() : undefined;
  const include = grouped?.slice(0, 3) ?? [];
  const group = { include, mandatory: include.slice(0, 1), joint: [], hierarchies: [] };
  return {
    model: 'world',
    groups: include.length > 0 ? [group] : [],
    cuboids: unique.length > 0 || include.length > 0 ? unique : [names],
    segments:
      partition === undefined
        ? { autoMerge: [] }
        : { every: next(3) === 0 ? 'quarter' : 'month', autoMerge: [] },
  };
}
