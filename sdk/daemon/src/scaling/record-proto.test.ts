import {
  type DecisionRecord,
  defaultLimits,
  differencesOf,
  type VertexSample,
} from '@tessera/scaling';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLog, decodeMetrics, decodeRecord } from './record-from-proto.ts';
import { encodeLog, encodeMetrics, encodeRecord } from './record-to-proto.ts';

const metric = fc.double();
const subtasks = fc.integer({ min: 1, max: 1000 });
const parallelism = fc.record({ source: subtasks, work: subtasks });
const word = fc.string({ minLength: 1, maxLength: 8 });
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.record({ [key]: value }, { requiredKeys: [] });

const vertexSample = fc.record(
  {
    recordsIn: metric,
    recordsOut: metric,
    busyMs: metric,
    recordsInPerSecond: metric,
    lagRecords: metric,
    busyRatio: metric,
    backpressuredRatio: metric,
    largestShare: metric,
    cpuRatio: metric,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<VertexSample>;

const sample = fc
  .tuple(
    fc.record({
      timeMs: metric,
      runningSinceMs: metric,
      parallelism,
      vertices: fc.dictionary(fc.constantFrom('source', 'work'), vertexSample),
    }),
    fc.record({ heapRatio: metric, gcRatio: metric }, { requiredKeys: [] }),
  )
  .map(([a, b]) => ({ ...a, ...b }));

const reason = fc
  .tuple(fc.record({ code: word, message: word }), maybe('vertex', word))
  .map(merged);
const action = fc.oneof(
  fc.constant({ kind: 'hold' as const }),
  parallelism.map((size) => ({ kind: 'rescale' as const, parallelism: size })),
);
const option = fc
  .tuple(
    fc.record({ parallelism, slots: metric, chosen: fc.boolean() }),
    maybe('rejected', word),
    maybe('maxLagMs', metric),
    maybe('cost', fc.record({ slots: metric, rescale: metric, lag: metric })),
  )
  .map(merged);
const forecast = fc.record({
  stepMs: metric,
  quantiles: fc.array(fc.record({ quantile: metric, rates: fc.array(metric, { maxLength: 3 }) }), {
    maxLength: 2,
  }),
  weights: fc.dictionary(fc.constantFrom('day', 'last'), metric),
});
const outcome = fc.oneof(
  fc
    .tuple(
      fc
        .tuple(
          fc.record({ action, reasons: fc.array(reason), options: fc.array(option) }),
          maybe('forecast', forecast),
        )
        .map(merged),
      word,
    )
    .map(([decision, learnedDigest]) => ({ kind: 'decided', decision, learnedDigest })),
  fc.record({
    kind: fc.constant('failed'),
    code: fc.constantFrom('STRATEGY_FAILED', 'STRATEGY_TIMED_OUT'),
    message: word,
  }),
  fc.record({ kind: fc.constant('notAsked'), code: fc.constant('STRATEGY_PAUSED'), message: word }),
);
const memory = fc
  .tuple(
    fc.record({
      marks: fc.array(
        fc.record({ timeMs: metric, runningSinceMs: metric, read: metric, waiting: metric }),
      ),
      lastRescaleMs: metric,
      avoided: fc.array(
        fc.record({ parallelism, direction: fc.constantFrom('up', 'down'), untilMs: metric }),
      ),
      failures: fc.nat(),
      askAgainMs: metric,
    }),
    maybe(
      'trial',
      fc
        .tuple(
          fc.record({ from: parallelism, to: parallelism }),
          maybe('before', fc.record({ readPerSecond: metric, lagPerSecond: metric })),
          maybe('worseMs', metric),
        )
        .map(merged),
    ),
  )
  .map(merged);
const effect = fc
  .tuple(
    fc.record({
      kind: fc.constantFrom('held', 'changed'),
      code: fc.constantFrom('QUOTA', 'VETOED'),
      message: word,
    }),
    maybe('vertex', word),
    maybe('untilMs', metric),
  )
  .map(merged);
const limits = fc.record({
  bounds: fc
    .tuple(
      fc.record(
        { minParallelism: subtasks, maxParallelism: subtasks, maxSlots: subtasks },
        { requiredKeys: [] },
      ),
      maybe(
        'vertices',
        fc.record({ work: fc.record({ min: subtasks, max: subtasks }, { requiredKeys: [] }) }),
      ),
    )
    .map(merged),
  cooldown: fc.constant(defaultLimits.cooldown),
  windows: fc.array(
    fc
      .tuple(
        fc.record({
          name: word,
          rule: fc.constantFrom('freeze', 'noScaleDown', 'only'),
          timeZone: word,
          from: word,
          to: word,
        }),
        maybe('days', fc.constant(['mon', 'sun'])),
      )
      .map(merged),
    { maxLength: 2 },
  ),
  rollback: fc.constant(defaultLimits.rollback),
});
const veto = fc.record({
  veto: word,
  answer: fc.oneof(
    fc.constant({ allowed: true }),
    fc.record({ failed: word }),
    fc
      .tuple(
        fc.record({ allowed: fc.constant(false), code: word, message: word }),
        maybe('untilMs', metric),
      )
      .map(merged),
  ),
});

const anyRecord = fc
  .tuple(
    fc.record({
      job: word,
      strategy: fc
        .tuple(
          fc.record({ name: word, version: word, options: word }),
          maybe('learnedBefore', word),
        )
        .map(merged),
      input: fc
        .tuple(
          fc.record({
            nowMs: metric,
            topology: fc.constant({
              vertices: [
                {
                  id: 'source',
                  name: 'Source: orders -> Calc',
                  minParallelism: 1,
                  maxParallelism: 9,
                  partitions: 4,
                  slotSharingGroup: 'default',
                },
                {
                  id: 'work',
                  minParallelism: 1,
                  maxParallelism: 9,
                  keyGroups: 128,
                  slotSharingGroup: 'default',
                },
              ],
              edges: [{ from: 'source', to: 'work', ship: 'hash' }],
            }),
            parallelism,
            runningSinceMs: metric,
            samples: fc.array(sample, { maxLength: 3 }),
            rescales: fc.array(
              fc.record({
                startedMs: metric,
                downtimeMs: metric,
                from: parallelism,
                to: parallelism,
              }),
              { maxLength: 2 },
            ),
            maxLagMs: metric,
          }),
          maybe('freeSlots', fc.nat()),
        )
        .map(merged),
      limits,
      memory,
      outcome,
      vetoes: fc.array(veto, { maxLength: 3 }),
      result: fc
        .tuple(fc.record({ action, effects: fc.array(effect), memory }), maybe('condition', reason))
        .map(merged),
    }),
    maybe('quota', fc.record({ quota: word, slots: fc.nat() })),
    maybe('inFlight', fc.record({ startedMs: metric, to: parallelism })),
  )
  .map(merged) as fc.Arbitrary<DecisionRecord>;

function merged(parts: readonly object[]): object {
  return Object.assign({}, ...parts);
}

describe('a decision on the wire', () => {
  test('comes back as it was: every number, and what was absent', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const back = decodeRecord(encodeRecord(record));
        expect(differencesOf(record, back)).toEqual([]);
        expect(keysOf(back)).toEqual(keysOf(record));
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  test('is one of a log that grows by appending', () => {
    const [a, b] = fc.sample(anyRecord, { seed: 1, numRuns: 2 }) as [
      DecisionRecord,
      DecisionRecord,
    ];
    const log = Buffer.concat([encodeLog([a]), encodeLog([b])]);
    expect(decodeLog(log)).toEqual(decodeLog(encodeLog([a, b])));
  });

  test('takes metrics with it', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 5 }), (samples) => {
        expect(differencesOf({ samples }, decodeMetrics(encodeMetrics({ samples })))).toEqual([]);
      }),
      { seed: 22, numRuns: 100 },
    );
  });

  test('is refused when it is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeRecord(bytes);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'SCALING_DECISION_INVALID' });
        }
      }),
      { seed: 23, numRuns: 1_000 },
    );
  });
});

/** Paths of all members, to tell undefined ones from absent ones. */
function keysOf(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .flatMap(([key, member]) => [`${path}.${key}`, ...keysOf(member, `${path}.${key}`)])
    .sort();
}
