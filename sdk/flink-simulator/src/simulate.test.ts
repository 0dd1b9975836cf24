import type { ScalingStrategy } from '@tessera/plugin';
import { noLimits, type Parallelism, sameParallelism, slotsOf } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { drawImperfections, drawJob } from './draw-job.ts';
import { topologyOf } from './job.ts';
import * as jobs from './jobs.ts';
import { LagAge } from './lag-age.ts';
import { oraclePlan } from './oracle.ts';
import { type Scenario, simulate } from './simulate.ts';
import { fewestSubtasks } from './sizing.ts';
import { diurnal, steps, tickSeconds } from './traces.ts';

const seed = 4;
const job = drawJob(jobs.pipeline, seed);
const scenario: Scenario = {
  seed,
  trace: diurnal.draw(seed, 1),
  job,
  imperfections: drawImperfections(seed),
  initial: fewestSubtasks(job, 2),
  maxLagMs: 120_000,
  crashes: { perDay: 0, downSeconds: 30 },
};

const reasons = [{ code: 'TEST', message: 'So that something happens.' }];

const hold: ScalingStrategy = {
  decide: () => ({ action: { kind: 'hold' }, reasons, options: [], learned: null }),
};

/** Goes to and fro between sizes, every two hours. */
const alternating = (sizes: readonly Parallelism[]): ScalingStrategy => ({
  decide: ({ nowMs, parallelism }) => {
    const wanted = sizes[Math.floor(nowMs / 7_200_000) % sizes.length]!;
    const isThere = sameParallelism(wanted, parallelism);
    const action = isThere
      ? { kind: 'hold' as const }
      : { kind: 'rescale' as const, parallelism: wanted };
    return { action, reasons, options: [], learned: null };
  },
});

describe('a simulation', () => {
  test('gives the same for the same seed, and something else for another', () => {
    const sizes = [fewestSubtasks(job, 1.8), fewestSubtasks(job, 2.2)];
    const run = (seed: number) =>
      simulate({ ...scenario, trace: diurnal.draw(seed, 0.5) }, alternating(sizes));
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test('pays the slots of a job that nobody touches, which keeps up when it is large enough', () => {
    const measures = simulate(scenario, hold);
    const slots = slotsOf(topologyOf(job), scenario.initial);
    expect(measures.slotHours).toBeCloseTo(24 * slots);
    expect(measures).toMatchObject({ rescales: 0, over120: 0, thrash: 0 });
  });

  test('shows counters of busy time that never go back while a job runs, however wrong they are', () => {
    const shares: number[] = [];
    const watching: ScalingStrategy = {
      decide: (input, learned) => {
        const [before, last] = input.samples.slice(-2);
        if (before?.runningSinceMs === last?.runningSinceMs && before !== last) {
          for (const [id, { busyMs }] of Object.entries(last!.vertices)) {
            const earlier = before!.vertices[id]?.busyMs;
            if (busyMs === undefined || earlier === undefined) continue;
            shares.push((busyMs - earlier) / (last!.timeMs - before!.timeMs));
          }
        }
        return hold.decide(input, learned);
      },
    };
    const biased = job.vertices.map((vertex) => ({ ...vertex, busyBias: 0.25 }));
    simulate({ ...scenario, job: { ...job, vertices: biased } }, watching);
    expect(shares.length).toBeGreaterThan(1_000);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
  });

  test('counts the time in which a job that is too small falls behind', () => {
    const measures = simulate({ ...scenario, initial: fewestSubtasks(job, 0.7) }, hold);
    expect(measures.over120).toBeGreaterThan(30);
    expect(measures.maxLagSeconds).toBeGreaterThan(3600);
  });

  test('lets a job read nothing while it is rescaled, and counts turns within the hour', () => {
    const large = { ...scenario, initial: fewestSubtasks(job, 2.5) };
    const sizes = [fewestSubtasks(job, 2.5), fewestSubtasks(job, 2.3)];
    const measures = simulate(large, alternating(sizes));
    expect(measures.rescales).toBeGreaterThanOrEqual(10);
    expect(measures.maxLagSeconds).toBeGreaterThan(30);
    expect(measures.thrash).toBe(0);
  });

  test('tells strategies of downtimes, but not of samples that a restart makes useless', () => {
    const downtimes: number[] = [];
    const sizes = [fewestSubtasks(job, 2.5), fewestSubtasks(job, 2.3)];
    simulate(scenario, alternating(sizes), {
      onDecision: ({ rescales, samples, runningSinceMs }) => {
        const last = rescales.at(-1);
        if (last !== undefined) downtimes.push(last.downtimeMs);
        for (const sample of samples) {
          expect(sample.timeMs).toBeGreaterThan(sample.runningSinceMs);
          expect(sample.runningSinceMs).toBeLessThanOrEqual(runningSinceMs);
        }
      },
    });
    expect(Math.min(...downtimes)).toBeGreaterThan(30_000);
  });
});

describe('the age of a lag', () => {
  const arrivals = Float64Array.from([10, 10, 0, 0, 20, 20]);

  test.each([
    { tick: 5, unread: 0, seconds: 0 },
    { tick: 5, unread: 100, seconds: 5 },
    { tick: 5, unread: 150, seconds: 7.5 },
    { tick: 5, unread: 225, seconds: 22.5 },
  ])('is $seconds s when $unread are unread after tick $tick', ({ tick, unread, seconds }) => {
    expect(new LagAge(arrivals, 5).secondsAfter(tick, unread)).toBeCloseTo(seconds);
  });
});

describe('the oracle', () => {
  const options = { rescaleCost: 1, segmentSeconds: 300, maxLagSeconds: 120 };
  const trace = steps.draw(seed, 1);
  const plan = oraclePlan(job, trace, options);

  test('follows a schedule that keeps up when it is simulated, at the cost that it claims', () => {
    const length = options.segmentSeconds * 1000;
    const planned: ScalingStrategy = {
      decide: ({ nowMs, parallelism }) => {
        const next = plan.schedule[Math.min(plan.schedule.length - 1, Math.floor(nowMs / length))]!;
        const isThere = sameParallelism(next.parallelism, parallelism);
        const rescale = { kind: 'rescale' as const, parallelism: next.parallelism };
        return {
          action: isThere ? { kind: 'hold' } : rescale,
          reasons,
          options: [],
          learned: null,
        };
      },
    };
    const calm = { ...job, rescale: { ...job.rescale, failChance: 0 } };
    const initial = plan.schedule[0]!.parallelism;
    const calmScenario = { ...scenario, job: calm, trace, initial };
    const measures = simulate(calmScenario, planned, { limits: noLimits });
    expect(measures.slotHours / plan.slotHours).toBeCloseTo(1, 1);
    expect(measures.rescales).toBe(plan.rescales);
    expect(measures.over120).toBeLessThan(2);
  });

  test('is cheaper than the peak, and rescales less the more that costs', () => {
    const peak = slotsOf(topologyOf(job), fewestSubtasks(job, Math.max(...trace.load)));
    expect(plan.slotHours).toBeLessThan(24 * peak);
    const dear = oraclePlan(job, trace, { ...options, rescaleCost: 30 });
    expect(dear.rescales).toBeLessThan(plan.rescales);
    expect(dear.slotHours).toBeGreaterThan(plan.slotHours);
  });

  test('draws traces of one value for each five seconds', () => {
    expect(trace.load).toHaveLength(86_400 / tickSeconds);
  });
});
