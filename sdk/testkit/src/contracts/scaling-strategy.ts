import type { ScalingStrategy } from '@tessera/plugin';
import type {
  JobSample,
  JobTopology,
  Parallelism,
  ScalingDecision,
  ScalingInput,
  VertexSample,
} from '@tessera/scaling';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const topology: JobTopology = {
  vertices: [
    {
      id: 'source',
      minParallelism: 1,
      maxParallelism: 12,
      partitions: 12,
      slotSharingGroup: 'default',
    },
    {
      id: 'work',
      minParallelism: 2,
      maxParallelism: 24,
      keyGroups: 128,
      slotSharingGroup: 'default',
    },
  ],
  edges: [{ from: 'source', to: 'work', ship: 'hash' }],
};
const perSubtask: Readonly<Record<string, number>> = { source: 5_000, work: 1_000 };
const stepMs = 30_000;
const minutes = (count: number) => (count * 60_000) / stepMs;

export interface ScalingStrategySuite {
  /** A new instance. Vertices of the suite are `source` (1 … 12) and `work` (2 … 24). */
  create(): ScalingStrategy;
}

/** What every scaling strategy must do. */
export function describeScalingStrategy(name: string, suite: ScalingStrategySuite): void {
  describe(`scaling strategy ${name}`, () => {
    test('decides the same from the same input, and changes neither it nor what it learned', () => {
      const run = new Run(suite.create());
      run.steady({ rate: 7_000, steps: minutes(90) });
      const { input, learned } = run.last!;
      const frozen = [deepFreeze(input), deepFreeze(learned)] as const;
      const again = suite.create().decide(...frozen);
      expect(again).toEqual(suite.create().decide(...frozen));
      expect(again).toEqual(run.last!.decision);
    });

    test('decides the same when what it learned has been through JSON', () => {
      const plain = new Run(suite.create());
      const stored = new Run(suite.create(), (learned) => JSON.parse(JSON.stringify(learned)));
      for (const run of [plain, stored]) {
        run.steady({ rate: 3_000, steps: minutes(60) });
        run.steady({ rate: 9_500, steps: minutes(60) });
      }
      expect(stored.decisions).toEqual(plain.decisions);
    });

    test('gives a reason with every decision', () => {
      const run = new Run(suite.create());
      run.steady({ rate: 9_500, steps: minutes(60) });
      expect(run.decisions.filter(({ reasons }) => reasons.length === 0)).toEqual([]);
    });

    test('begins anew when what was learned is lost', () => {
      const run = new Run(suite.create());
      run.steady({ rate: 6_000, steps: minutes(60) });
      const { input } = run.last!;
      expect(() => suite.create().decide(input, undefined)).not.toThrow();
    });

    test.each([
      { fault: 'missing', change: () => undefined },
      { fault: 'without a vertex', change: withoutWork },
      { fault: 'zero', change: zeroed },
      { fault: 'the last ones again', change: repeated },
      { fault: 'of an hour ago', change: old },
      { fault: 'without their counters', change: withoutCounters },
      { fault: 'zero in one vertex', change: zeroedWork },
    ])('never scales down on metrics that are $fault', ({ change }) => {
      const run = new Run(suite.create());
      run.steady({ rate: 8_000, steps: minutes(150) });
      const before = run.parallelism;
      const seen = run.decisions.length;
      run.faulty(change, minutes(90));
      const wanted = run.decisions.slice(seen).map((decision) => wantedBy(decision, before));
      const lower = wanted.filter((each) =>
        Object.keys(before).some((id) => each[id]! < before[id]!),
      );
      expect(lower).toEqual([]);
    });

    test('stays within bounds and wants whole numbers, whatever the metrics say', () => {
      fc.assert(
        fc.property(fc.array(arbitrarySample, { maxLength: 60 }), (samples) => {
          const strategy = suite.create();
          let learned: unknown;
          for (let from = 0; from <= samples.length; from += 3) {
            const nowMs = 600_000 + from * 600_000;
            const part = samples
              .slice(from, from + 3)
              .map((sample, i) => ({ ...sample, timeMs: nowMs - 30_000 + i * 10_000 }));
            const decision = strategy.decide(inputOf(nowMs, part, { source: 3, work: 9 }), learned);
            learned = decision.learned;
            expectSound(decision);
          }
        }),
        { seed: 7, numRuns: 150 },
      );
    });
  });
}

/** A job that does what it can with a steady load, sampled every ten seconds. */
class Run {
  readonly decisions: ScalingDecision[] = [];
  last: { input: ScalingInput; learned: unknown; decision: ScalingDecision } | undefined;
  parallelism: Parallelism = { source: 3, work: 9 };
  readonly #strategy: ScalingStrategy;
  readonly #store: (learned: unknown) => unknown;
  #nowMs = 0;
  #runningSinceMs = 0;
  #counters: Readonly<Record<string, number>> = { source: 0, work: 0 };
  #lag = 0;
  #sample: JobSample | undefined;
  #learned: unknown;

  constructor(strategy: ScalingStrategy, store = (learned: unknown) => learned) {
    this.#strategy = strategy;
    this.#store = store;
  }

  steady({ rate, steps }: { rate: number; steps: number }): void {
    for (let step = 0; step < steps; step++) {
      const samples = [this.#next(rate), this.#next(rate), this.#next(rate)];
      this.#decide(samples);
    }
  }

  faulty(change: (last: JobSample) => JobSample | undefined, steps: number): void {
    const last = this.#sample!;
    for (let step = 0; step < steps; step++) {
      this.#nowMs += stepMs;
      const sample = change({ ...last, timeMs: this.#nowMs });
      this.#decide(sample === undefined ? [] : [sample], { follow: false });
    }
  }

  #decide(samples: readonly JobSample[], { follow = true } = {}): void {
    const input = {
      ...inputOf(this.#nowMs, samples, this.parallelism),
      runningSinceMs: this.#runningSinceMs,
    };
    const learned = this.#learned;
    const decision = this.#strategy.decide(input, learned);
    this.decisions.push(decision);
    this.last = { input, learned, decision };
    this.#learned = this.#store(decision.learned);
    if (!follow || decision.action.kind === 'hold') return;
    this.parallelism = decision.action.parallelism;
    this.#nowMs += 60_000;
    this.#runningSinceMs = this.#nowMs;
    this.#counters = { source: 0, work: 0 };
  }

  #next(rate: number): JobSample {
    this.#nowMs += 10_000;
    const capacity = (id: string) => perSubtask[id]! * this.parallelism[id]!;
    const possible = Math.min(capacity('source'), capacity('work'));
    const taken = Math.min(rate + this.#lag / 10, possible);
    this.#lag = Math.max(0, this.#lag + (rate - taken) * 10);
    const vertices: Record<string, VertexSample> = {};
    const counters: Record<string, number> = {};
    for (const id of ['source', 'work']) {
      counters[id] = this.#counters[id]! + taken * 10;
      const busyRatio = taken / capacity(id);
      vertices[id] = {
        recordsIn: counters[id],
        recordsOut: counters[id],
        recordsInPerSecond: taken,
        busyMs: busyRatio * this.parallelism[id]! * (this.#nowMs - this.#runningSinceMs),
        busyRatio,
        backpressuredRatio: 0,
        ...(id === 'source' && { lagRecords: this.#lag }),
      };
    }
    this.#counters = counters;
    const { parallelism } = this;
    const runningSinceMs = this.#runningSinceMs;
    this.#sample = { timeMs: this.#nowMs, runningSinceMs, parallelism, vertices };
    return this.#sample;
  }
}

const inputOf = (
  nowMs: number,
  samples: readonly JobSample[],
  parallelism: Parallelism,
): ScalingInput => ({
  nowMs,
  topology,
  parallelism,
  runningSinceMs: 0,
  samples,
  rescales: [],
  maxLagMs: 120_000,
});

const withoutWork = (sample: JobSample): JobSample => ({
  ...sample,
  vertices: { source: sample.vertices['source']! },
});

const repeated = (sample: JobSample): JobSample => sample;

const old = (sample: JobSample): JobSample => ({ ...sample, timeMs: sample.timeMs - 3_600_000 });

const withoutCounters = (sample: JobSample): JobSample => ({
  ...sample,
  vertices: Object.fromEntries(
    Object.entries(sample.vertices).map(([id, { recordsIn, recordsOut, busyMs, ...gauges }]) => [
      id,
      gauges,
    ]),
  ),
});

const zeroedWork = (sample: JobSample): JobSample => ({
  ...sample,
  vertices: { source: sample.vertices['source']!, work: zeroed(sample).vertices['work']! },
});

const zeroed = (sample: JobSample): JobSample => {
  const gauges = { busyRatio: 0, recordsInPerSecond: 0, backpressuredRatio: 0 };
  return { ...sample, vertices: { source: gauges, work: gauges } };
};

function wantedBy({ action }: ScalingDecision, current: Parallelism): Parallelism {
  return action.kind === 'hold' ? current : action.parallelism;
}

function expectSound(decision: ScalingDecision): void {
  expect(decision.reasons.length).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(decision.learned))).toEqual(decision.learned);
  if (decision.action.kind === 'hold') return;
  for (const { id, minParallelism, maxParallelism } of topology.vertices) {
    const wanted = decision.action.parallelism[id];
    expect(Number.isInteger(wanted)).toBe(true);
    expect(wanted).toBeGreaterThanOrEqual(minParallelism);
    expect(wanted).toBeLessThanOrEqual(maxParallelism);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}

const anyNumber = fc.oneof(
  fc.constantFrom(0, 1, -1, Number.NaN, Infinity, -Infinity, 1e300, 1e-300),
  fc.double({ min: 0, max: 1 }),
  fc.double({ min: 0, max: 1e7 }),
);

const arbitraryVertex: fc.Arbitrary<VertexSample> = fc.record(
  {
    recordsIn: anyNumber,
    recordsOut: anyNumber,
    busyMs: anyNumber,
    recordsInPerSecond: anyNumber,
    lagRecords: anyNumber,
    busyRatio: anyNumber,
    backpressuredRatio: anyNumber,
    largestShare: anyNumber,
    cpuRatio: anyNumber,
  },
  { requiredKeys: [] },
);

const arbitrarySample: fc.Arbitrary<JobSample> = fc.record({
  timeMs: fc.constant(0),
  runningSinceMs: fc.constantFrom(0, 0, 0, 1_000_000),
  parallelism: fc.constant({ source: 3, work: 9 }),
  vertices: fc.record(
    { source: arbitraryVertex, work: arbitraryVertex, stranger: arbitraryVertex },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Record<string, VertexSample>>,
});
