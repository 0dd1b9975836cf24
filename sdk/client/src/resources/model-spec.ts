import type {
  DimensionSpec,
  Grain,
  JoinSpec,
  MeasureAggregate,
  MeasureSpec,
  ModelSpec,
  PartitionSpec,
} from '@tessera/cube';
import { metadata } from '@tessera/proto';
import { malformedMessage } from '../errors.ts';
import { enumPair } from './enum-pair.ts';

export const grains = enumPair<Grain>('grain', {
  minute: metadata.Grain.GRAIN_MINUTE,
  hour: metadata.Grain.GRAIN_HOUR,
  day: metadata.Grain.GRAIN_DAY,
  week: metadata.Grain.GRAIN_WEEK,
  month: metadata.Grain.GRAIN_MONTH,
  quarter: metadata.Grain.GRAIN_QUARTER,
  year: metadata.Grain.GRAIN_YEAR,
});

const joinKinds = enumPair<JoinSpec['kind']>('join kind', {
  left: metadata.JoinKind.JOIN_KIND_LEFT,
  inner: metadata.JoinKind.JOIN_KIND_INNER,
});

const aggregates = enumPair<MeasureAggregate>('aggregate', {
  count: metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT,
  sum: metadata.MeasureAggregate.MEASURE_AGGREGATE_SUM,
  min: metadata.MeasureAggregate.MEASURE_AGGREGATE_MIN,
  max: metadata.MeasureAggregate.MEASURE_AGGREGATE_MAX,
  avg: metadata.MeasureAggregate.MEASURE_AGGREGATE_AVG,
  stddev_samp: metadata.MeasureAggregate.MEASURE_AGGREGATE_STDDEV_SAMP,
  stddev_pop: metadata.MeasureAggregate.MEASURE_AGGREGATE_STDDEV_POP,
  var_samp: metadata.MeasureAggregate.MEASURE_AGGREGATE_VAR_SAMP,
  var_pop: metadata.MeasureAggregate.MEASURE_AGGREGATE_VAR_POP,
  count_distinct: metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT_DISTINCT,
});

const precisions = enumPair<'exact'>('precision', {
  exact: metadata.DistinctPrecision.DISTINCT_PRECISION_EXACT,
});

const freshnesses = enumPair<'strict' | 'built'>('freshness', {
  strict: metadata.Freshness.FRESHNESS_STRICT,
  built: metadata.Freshness.FRESHNESS_BUILT,
});

export function modelSpecToProto(spec: ModelSpec): metadata.ModelSpec {
  return {
    fact: { source: spec.fact.source, table: spec.fact.table, alias: spec.fact.alias },
    joins: spec.joins.map((join) => ({
      source: join.source ?? '',
      table: join.table,
      alias: join.alias,
      on: join.on,
      kind: joinKinds.toProto(join.kind) as metadata.JoinKind,
    })),
    partition: spec.partition && {
      column: spec.partition.column,
      grain: grains.toProto(spec.partition.grain) as metadata.Grain,
      format: spec.partition.format ?? '',
    },
    dimensions: spec.dimensions.map((dimension) => ({
      name: dimension.name,
      column: dimension.column,
      grain: grains.optionalToProto(dimension.grain) as metadata.Grain,
      derivedFrom: dimension.derivedFrom ?? '',
    })),
    hierarchies: nameListsToProto(spec.hierarchies),
    computedColumns: spec.computedColumns.map(({ name, expression }) => ({ name, expression })),
    measures: spec.measures.map((measure) => ({
      name: measure.name,
      aggregate: aggregates.toProto(measure.aggregate) as metadata.MeasureAggregate,
      column: measure.column ?? '',
      filter: measure.filter ?? '',
      precision: precisions.optionalToProto(measure.precision) as metadata.DistinctPrecision,
    })),
    freshness: freshnesses.optionalToProto(spec.freshness) as metadata.Freshness,
    timeZone: spec.timeZone ?? '',
  };
}

export function modelSpecFromProto(message: metadata.ModelSpec | undefined): ModelSpec {
  if (message?.fact === undefined) throw malformedMessage('A model', 'it has no fact table');
  const { source, table, alias } = message.fact;
  const freshness = freshnesses.optionalFromProto(message.freshness);
  return {
    fact: { source, table, alias },
    joins: message.joins.map(joinFromProto),
    ...(message.partition ? { partition: partitionFromProto(message.partition) } : {}),
    dimensions: message.dimensions.map(dimensionFromProto),
    hierarchies: nameListsFromProto(message.hierarchies),
    computedColumns: message.computedColumns.map(({ name, expression }) => ({ name, expression })),
    measures: message.measures.map(measureFromProto),
    ...(freshness ? { freshness } : {}),
    ...(message.timeZone ? { timeZone: message.timeZone } : {}),
  };
}

function joinFromProto(message: metadata.JoinSpec): JoinSpec {
  const { source, table, alias, on } = message;
  const kind = joinKinds.fromProto(message.kind);
  return { ...(source ? { source } : {}), table, alias, on, kind };
}

function partitionFromProto(message: metadata.PartitionSpec): PartitionSpec {
  const { column, format } = message;
  return { column, grain: grains.fromProto(message.grain), ...(format ? { format } : {}) };
}

function dimensionFromProto(message: metadata.DimensionSpec): DimensionSpec {
  const { name, column, derivedFrom } = message;
  const grain = grains.optionalFromProto(message.grain);
  return { name, column, ...(grain ? { grain } : {}), ...(derivedFrom ? { derivedFrom } : {}) };
}

function measureFromProto(message: metadata.MeasureSpec): MeasureSpec {
  const { name, column, filter } = message;
  const precision = precisions.optionalFromProto(message.precision);
  return {
    name,
    aggregate: aggregates.fromProto(message.aggregate),
    ...(column ? { column } : {}),
    ...(filter ? { filter } : {}),
    ...(precision ? { precision } : {}),
  };
}

export function nameListsToProto(
  lists: readonly (readonly string[])[],
): readonly metadata.NameList[] {
  return lists.map((names) => ({ names: [...names] }));
}

export function nameListsFromProto(
  messages: readonly metadata.NameList[],
): readonly (readonly string[])[] {
  return messages.map(({ names }) => [...names]);
}
