import type { DataType, Value } from '@tessera/columnar';
import {
  type AggregationGroupSpec,
  type BlockCoverage,
  type BlockExplanation,
  type CubeSpec,
  cuboidOf,
  type Layout,
  type LayoutColumn,
  type ModelSpec,
  type Reason,
  type ScanAggregate,
  type ScanPlan,
  type Segment,
  type SegmentRange,
} from '@tessera/cube';
import { metadata, query, storage, type as wire } from '@tessera/proto';
import type { Expr, OrderItem } from '@tessera/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blockCoverageFromProto,
  blockCoverageToProto,
  blockExplanationFromProto,
  blockExplanationToProto,
  cubeSpecFromProto,
  cubeSpecToProto,
  modelSpecFromProto,
  modelSpecToProto,
  type QuerySettings,
  type QuerySummary,
  querySettingsFromProto,
  querySettingsToProto,
  querySummaryFromProto,
  querySummaryToProto,
  scanParametersFromProto,
  scanParametersToProto,
  scanPlanFromProto,
  scanPlanToProto,
  segmentFromProto,
  segmentToProto,
} from '../resources.ts';

/** Optional fields are left out, never set to `undefined`, as the domain types demand. */
function record<T>(
  required: { [K in keyof T]?: fc.Arbitrary<unknown> },
  optional: { [K in keyof T]?: fc.Arbitrary<unknown> } = {},
): fc.Arbitrary<T> {
  return fc.record(
    { ...required, ...optional },
    {
      requiredKeys: Object.keys(required) as never[],
    },
  ) as unknown as fc.Arbitrary<T>;
}

const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const names = fc.array(name, { maxLength: 3 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const count = fc.bigInt({ min: 0n, max: 2n ** 62n });
const many = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });
// A map on the wire is a plain object here, so this one key cannot be held.
const key = name.filter((text) => text !== '__proto__');
const dictionaryOf = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });

const dataType: fc.Arbitrary<DataType> = fc.oneof(
  fc
    .constantFrom(
      'boolean',
      'smallint',
      'integer',
      'bigint',
      'real',
      'double',
      'text',
      'date',
      'time',
      'timestamp',
      'timestamptz',
      'interval',
      'bytes',
      'unknown',
    )
    .map((kind) => ({ kind }) as DataType),
  fc.constant<DataType>({ kind: 'numeric' }),
  fc
    .integer({ min: 0, max: 20 })
    .map((scale): DataType => ({ kind: 'numeric', precision: 38, scale })),
);

function valuesOf(type: DataType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'smallint':
    case 'integer':
    case 'date':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'real':
      return fc.float();
    case 'double':
      return fc.double();
    case 'numeric':
      return fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return int64;
    case 'interval':
      return fc.record({
        months: fc.integer({ min: -999, max: 999 }),
        days: fc.integer({ min: -999, max: 999 }),
        micros: int64,
      });
    case 'bytes':
      return fc.uint8Array({ maxLength: 8 });
    case 'text':
    case 'unknown':
      return fc.string({ maxLength: 12 });
  }
}

const typedValue = dataType.chain((type) =>
  fc.tuple(
    fc.constant(type),
    fc.oneof({ weight: 6, arbitrary: valuesOf(type) }, fc.constant(null)),
  ),
);

const expr: fc.Arbitrary<Expr> = fc.letrec<{ expr: Expr; order: OrderItem }>((tie) => ({
  order: record<OrderItem>({
    expr: tie('expr'),
    descending: fc.boolean(),
    nullsFirst: fc.boolean(),
  }),
  expr: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    typedValue.map(([type, value]): Expr => ({ kind: 'literal', type, value })),
    fc.record({ kind: fc.constant('parameter'), type: dataType, index: fc.nat(4) }),
    fc.record({ kind: fc.constant('column'), type: dataType, relation: name, name }),
    fc.record({ kind: fc.constant('call'), type: dataType, fn: name, args: many(tie('expr')) }),
    fc.record({ kind: fc.constant('cast'), type: dataType, arg: tie('expr') }),
    record<Expr & { kind: 'case' }>(
      {
        kind: fc.constant('case'),
        type: dataType,
        // biome-ignore lint/suspicious/noThenProperty: CASE's own word; nobody awaits an expression.
        whens: many(fc.record({ when: tie('expr'), then: tie('expr') })),
      },
      { otherwise: tie('expr') },
    ),
    record<Expr & { kind: 'aggregate' }>(
      {
        kind: fc.constant('aggregate'),
        type: dataType,
        fn: name,
        args: many(tie('expr')),
        distinct: fc.boolean(),
      },
      { filter: tie('expr'), orderBy: fc.array(tie('order'), { minLength: 1, maxLength: 2 }) },
    ),
  ) as fc.Arbitrary<Expr>,
})).expr;

const orderItem = record<OrderItem>({ expr, descending: fc.boolean(), nullsFirst: fc.boolean() });

const scanPlan = record<ScanPlan>(
  {
    cube: name,
    layout: name,
    segments: many(fc.record({ id: name, fileDigest: name })),
    lookups: many(
      fc.record({
        alias: name,
        snapshot: name,
        on: many(fc.record({ expr, column: name })),
        columns: many(fc.record({ name, type: dataType })),
        inner: fc.boolean(),
      }),
    ),
    groupBy: many(fc.record({ name, expr })),
    aggregates: many(
      record<ScanAggregate>(
        {
          name,
          fn: fc.constantFrom('sum', 'min', 'max', 'count_sum', 'm2', 'distinct', 'distinct_bits'),
          args: many(expr),
          type: dataType,
        },
        { filter: expr },
      ),
    ),
  },
  { filter: expr, topK: fc.record({ orderBy: many(orderItem), limit: fc.nat() }), timeZone: name },
);

const range: fc.Arbitrary<SegmentRange> = fc.oneof(
  fc.constant<SegmentRange>({ kind: 'all' }),
  fc.constant<SegmentRange>({ kind: 'null' }),
  fc.record({ kind: fc.constant('range' as const), start: int64, end: int64 }),
);

const layoutColumn: fc.Arbitrary<LayoutColumn> = dataType.chain((type) =>
  record<LayoutColumn>(
    {
      name,
      type: fc.constant(type),
      role: fc.constantFrom('dimension', 'measure', 'bucket', 'bits'),
    },
    { minimum: valuesOf(type), maximum: valuesOf(type), hasNulls: fc.boolean() },
  ),
);

const layout = record<Layout>({
  id: name,
  kind: fc.constantFrom('rows', 'distinct'),
  cuboid: fc.uniqueArray(fc.nat(90)).map(cuboidOf),
  columns: many(layoutColumn),
  sortColumns: names,
  rowCount: count,
  sizeBytes: count,
  checksum: name,
  fileDigest: name,
  file: name,
});

const segment = record<Segment>({
  id: name.filter((text) => !text.includes('/')),
  range,
  state: fc.constantFrom('BUILDING', 'READY', 'RETIRED'),
  layouts: many(layout),
  snapshots: dictionaryOf(name),
  sourceVersions: dictionaryOf(fc.record({ known: fc.boolean(), token: name })),
  modelRevision: count,
  sourceRows: count,
  rejectedRows: count,
  builtAt: int64,
  unmatchedRows: dictionaryOf(count),
});

const grain = fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year');

const modelSpec = record<ModelSpec>(
  {
    fact: fc.record({ source: name, table: name, alias: name }),
    joins: many(
      record<ModelSpec['joins'][number]>(
        { table: name, alias: name, on: name, kind: fc.constantFrom('left', 'inner') },
        { source: name },
      ),
    ),
    dimensions: many(
      record<ModelSpec['dimensions'][number]>({ name, column: name }, { grain, derivedFrom: name }),
    ),
    hierarchies: many(names),
    computedColumns: many(fc.record({ name, expression: name })),
    measures: many(
      record<ModelSpec['measures'][number]>(
        {
          name,
          aggregate: fc.constantFrom(
            'count',
            'sum',
            'min',
            'max',
            'avg',
            'stddev_samp',
            'stddev_pop',
            'var_samp',
            'var_pop',
            'count_distinct',
          ),
        },
        { column: name, filter: name, precision: fc.constant('exact') },
      ),
    ),
  },
  {
    partition: record<NonNullable<ModelSpec['partition']>>(
      { column: name, grain },
      { format: name },
    ),
    freshness: fc.constantFrom('strict', 'built'),
    timeZone: name,
  },
);

const cubeSpec = record<CubeSpec>(
  {
    model: name,
    groups: many(
      record<AggregationGroupSpec>(
        { include: names, mandatory: names, joint: many(names), hierarchies: many(names) },
        { maxDimensions: fc.nat(9), measures: fc.array(name, { minLength: 1, maxLength: 2 }) },
      ),
    ),
    cuboids: many(names),
    segments: record<CubeSpec['segments']>(
      { autoMerge: many(grain) },
      { every: grain, retain: name },
    ),
  },
  { planner: fc.record({ budget: name }), replication: fc.integer({ min: 1, max: 16 }) },
);

const reason: fc.Arbitrary<Reason> = fc.record({ code: name, message: name, missing: names });

const coverage = record<BlockCoverage>(
  {
    model: name,
    modelRevision: count,
    cube: name,
    layouts: names,
    segments: names,
    prunedSegments: names,
    snapshots: names,
    pushedDown: many(range),
    rejectedRows: count,
  },
  { asOf: int64 },
);

const explanation = record<BlockExplanation>(
  {
    block: fc.nat(9),
    summary: name,
    outcome: fc.constantFrom('cuboid', 'mixed', 'source', 'refused'),
    candidates: many(
      record<BlockExplanation['candidates'][number]>(
        {
          model: name,
          dimensions: names,
          rowCount: count,
          sizeBytes: count,
          predictedMicros: fc.double({ min: 1, max: 1e12, noNaN: true }),
          taken: fc.boolean(),
          reason,
        },
        { cube: name, layout: name },
      ),
    ),
  },
  {
    reason,
    fix: fc.record({
      description: name,
      addDimensions: many(
        record<NonNullable<BlockExplanation['fix']>['addDimensions'][number]>(
          { name, column: name },
          { grain: name },
        ),
      ),
      addMeasures: many(
        record<NonNullable<BlockExplanation['fix']>['addMeasures'][number]>(
          { name, aggregate: name },
          { column: name, filter: name },
        ),
      ),
      addCuboids: many(names),
    }),
  },
);

const settings = record<QuerySettings>(
  {},
  {
    timeZone: name,
    timeoutMs: fc.nat(),
    maxRows: fc.bigInt({ min: 1n, max: 2n ** 40n }),
    maxBytes: fc.bigInt({ min: 1n, max: 2n ** 40n }),
    useCuboids: fc.constantFrom('auto', 'never', 'always'),
  },
);

const scanWork = fc.record({
  source: fc.constantFrom('tiles', 'files'),
  queueMicros: fc.nat(),
  scanMicros: fc.nat(),
  rowsScanned: fc.nat(),
  blocksRead: fc.nat(),
  blocksPruned: fc.nat(),
  segmentsPruned: fc.nat(),
});

const summary = record<QuerySummary>({
  rowCount: count,
  coverage: fc.record({
    catalogRevision: count,
    policyRevision: count,
    blocks: many(coverage),
    sourceTables: names,
  }),
  planKind: fc.constantFrom('cuboid', 'mixed', 'source', 'constant'),
  timings: fc.record({
    totalMicros: count,
    queueMicros: count,
    planMicros: count,
    executeMicros: count,
  }),
  rejectedRows: count,
  notes: fc.array(fc.string()),
  daemonWork: many(
    fc.record(
      {
        daemon: fc.string(),
        attempt: fc.constantFrom('first', 'retry', 'hedge'),
        outcome: fc.constantFrom('answered', 'failed', 'abandoned'),
        segmentCount: fc.nat(),
        rowCount: fc.nat(),
        wireBytes: fc.nat(),
        micros: fc.nat(),
        sentBytes: fc.nat(),
        work: scanWork,
      },
      {
        requiredKeys: [
          'daemon',
          'attempt',
          'outcome',
          'segmentCount',
          'rowCount',
          'wireBytes',
          'micros',
          'sentBytes',
        ],
      },
    ),
  ),
});

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** What arrives when a domain value is sent: mapped, encoded, decoded, mapped back. */
function sent<Domain, Message>(
  codec: Codec<Message>,
  pair: { to(value: Domain): Message; from(message: Message): Domain },
): (value: Domain) => Domain {
  return (value) => pair.from(codec.decode(codec.encode(pair.to(value)).finish()));
}

const cubeName = 'projects/p/cubes/c';
const cases = {
  'scan plan': [scanPlan, sent(storage.ScanPlan, { to: scanPlanToProto, from: scanPlanFromProto })],
  segment: [
    segment,
    sent(metadata.Segment, {
      to: (value: Segment) => segmentToProto(value, cubeName),
      from: segmentFromProto,
    }),
  ],
  model: [modelSpec, sent(metadata.ModelSpec, { to: modelSpecToProto, from: modelSpecFromProto })],
  cube: [cubeSpec, sent(metadata.CubeSpec, { to: cubeSpecToProto, from: cubeSpecFromProto })],
  coverage: [
    coverage,
    sent(query.BlockCoverage, { to: blockCoverageToProto, from: blockCoverageFromProto }),
  ],
  explanation: [
    explanation,
    sent(query.BlockExplanation, {
      to: blockExplanationToProto,
      from: blockExplanationFromProto,
    }),
  ],
  'query settings': [
    settings,
    sent(query.QuerySettings, { to: querySettingsToProto, from: querySettingsFromProto }),
  ],
  'query summary': [
    summary,
    sent(query.QuerySummary, { to: querySummaryToProto, from: querySummaryFromProto }),
  ],
} as const;

describe('a domain value that is sent arrives as it was', () => {
  test.each(Object.entries(cases))('%s', (_, [values, send]) => {
    fc.assert(
      fc.property(values as fc.Arbitrary<unknown>, (value) => {
        expect((send as (value: unknown) => unknown)(value)).toEqual(value);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test('parameters of a scan plan', () => {
    fc.assert(
      fc.property(fc.array(typedValue, { maxLength: 4 }), scanPlan, (parameters, plan) => {
        const groupBy = parameters.map(([type], index) => ({
          name: `p${index}`,
          expr: { kind: 'parameter', type, index } as const,
        }));
        const used: ScanPlan = { ...clearOfParameters(plan), groupBy };
        const values = parameters.map(([, value]) => value);
        const messages = scanParametersToProto(used, values).map((message) =>
          wire.Value.decode(wire.Value.encode(message).finish()),
        );
        expect(scanParametersFromProto(used, messages)).toEqual(values);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  test('but a quarantined layout counts as missing', () => {
    const [sample] = fc.sample(
      segment.filter(({ layouts }) => layouts.length > 0),
      { numRuns: 1, seed: 7 },
    );
    const message = segmentToProto(sample!, cubeName);
    const layouts = message.layouts.map((layout, i) => ({ ...layout, quarantined: i === 0 }));
    expect(segmentFromProto({ ...message, layouts }).layouts).toEqual(sample!.layouts.slice(1));
  });
});

/** The plan with every part dropped that may hold a parameter of another type. */
function clearOfParameters(plan: ScanPlan): ScanPlan {
  const { cube, layout, segments } = plan;
  return { cube, layout, segments, lookups: [], groupBy: [], aggregates: [] };
}
