import type { JobSample, ScalingDecision } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { flinkAutoscalerConfig } from './config.ts';
import { FlinkAutoscaler, type FlinkAutoscalerLearned } from './flink-autoscaler.ts';

/** What the rules of the original come to at its defaults, seen from outside: metrics in, parallelism out. */
const minuteMs = 60_000;
const rate = 1_000;
const vertex = { minParallelism: 1, maxParallelism: 200, slotSharingGroup: 'default' };
const topology = {
  vertices: [
    { ...vertex, id: 'source' },
    { ...vertex, id: 'work' },
  ],
  edges: [{ from: 'source', to: 'work', ship: 'forward' }],
} as const;

/** A vertex with its size and its true processing rate, which may be another in each minute. */
interface Shown {
  readonly parallelism: number;
  trueRate(minute: number): number;
}
const shown = (parallelism: number, trueRate: number): Shown => ({
  parallelism,
  trueRate: () => trueRate,
});
/** Gets what it needs at four subtasks. */
const fits = shown(4, 1_600);

/** Decides each minute about a job into which 1,000 records a second come. */
function decisionsOf(
  source: Shown,
  work: Shown,
  { minutes, lag = 0 }: { readonly minutes: number; readonly lag?: number },
): readonly ScalingDecision[] {
  const strategy = new FlinkAutoscaler(flinkAutoscalerConfig.parse({}));
  const parallelism = { source: source.parallelism, work: work.parallelism };
  const seen = ({ trueRate }: Shown, minute: number) => ({
    recordsIn: rate * minute * 60,
    recordsOut: rate * minute * 60,
    recordsInPerSecond: rate,
    busyRatio: rate / trueRate(minute),
    backpressuredRatio: 0,
  });
  const sampleAt = (minute: number): JobSample => ({
    timeMs: minute * minuteMs,
    runningSinceMs: 0,
    parallelism,
    vertices: { source: { ...seen(source, minute), lagRecords: lag }, work: seen(work, minute) },
  });
  let learned: FlinkAutoscalerLearned | undefined;
  return Array.from({ length: minutes + 1 }, (_, minute) => {
    const decision = strategy.decide(
      {
        nowMs: minute * minuteMs,
        topology,
        parallelism,
        runningSinceMs: 0,
        samples: [sampleAt(minute)],
        rescales: [],
        maxLagMs: 120_000,
      },
      learned,
    );
    learned = decision.learned;
    return decision;
  });
}

const atFirst = { minutes: 20 };
const sizeOf = ({ action }: ScalingDecision) =>
  action.kind === 'hold' ? 'hold' : action.parallelism;
const codeOf = ({ reasons }: ScalingDecision) => reasons[0]!.code;

describe('golden vectors', () => {
  test('nothing is decided before 20 minutes: 5 to stabilise and a window of 15', () => {
    const decisions = decisionsOf(shown(4, 900), fits, atFirst);
    expect(decisions.slice(0, 20).map(sizeOf)).toEqual(Array.from({ length: 20 }, () => 'hold'));
    expect(sizeOf(decisions[20]!)).not.toBe('hold');
  });

  test('a true rate of 900/s at 4 is out of its bounds and becomes 8', () => {
    expect(sizeOf(decisionsOf(shown(4, 900), fits, atFirst).at(-1)!)).toEqual({
      source: 8,
      work: 4,
    });
  });

  test('a true rate of 1,250/s at 4 would be 6, but is within its bounds: alone it triggers nothing', () => {
    const last = decisionsOf(fits, shown(4, 1_250), atFirst).at(-1)!;
    expect(sizeOf(last)).toBe('hold');
    expect(codeOf(last)).toBe('WITHIN_BOUNDS');
  });

  test('the same is applied together with another vertex that is out of its bounds', () => {
    const last = decisionsOf(shown(4, 900), shown(4, 1_250), atFirst).at(-1)!;
    expect(sizeOf(last)).toEqual({ source: 8, work: 6 });
  });

  test.each([4_000, 8_000])(
    'a true rate of %i/s at 10 becomes 4, no less than the factor allows, after an hour',
    (trueRate) => {
      const decisions = decisionsOf(fits, shown(10, trueRate), { minutes: 80 });
      const waiting = decisions.slice(20, 80);
      expect(new Set(waiting.map(codeOf))).toEqual(new Set(['SCALE_DOWN_DELAYED']));
      expect(sizeOf(decisions[80]!)).toEqual({ source: 4, work: 4 });
    },
  );

  test('a scale down is the greatest that was recommended in that hour', () => {
    const busier = (minute: number) => (minute > 35 && minute <= 50 ? 2_900 : 4_000);
    const work = { parallelism: 10, trueRate: busier };
    expect(sizeOf(decisionsOf(fits, work, { minutes: 80 })[80]!)).toEqual({ source: 4, work: 6 });
  });

  test('with 600,000 records waiting a source is as fast as it is seen to be, and all grow for load and backlog', () => {
    const last = decisionsOf(shown(10, 4_000), fits, { ...atFirst, lag: 600_000 }).at(-1)!;
    expect(sizeOf(last)).toEqual({ source: 20, work: 5 });
  });
});
