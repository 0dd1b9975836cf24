import { secondProfiles, secondScenario, simulate, topologyOf } from '@tessera/flink-simulator';
import { inPlaceLimits, slotsOf } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { forecastConfig } from './config.ts';
import { ForecastStrategy } from './forecast-strategy.ts';

const seeds = [1, 2, 3, 101, 102, 103];
const maxLagMs = 10_000;
const slotsOfTaskManager = 2;

interface Second {
  readonly second: number;
  readonly lagSeconds: number;
  readonly work: number;
  readonly slots: number;
}

/** A profile as the strategy meets it, second by second, and when it decided to change something. */
function run(name: string, seed: number) {
  const profile = secondProfiles.find((each) => each.name === name)!;
  const scenario = secondScenario(profile, seed, maxLagMs);
  const topology = topologyOf(scenario.job);
  const seconds: Second[] = [];
  const decisions: { readonly second: number; readonly slots: number }[] = [];
  const measures = simulate(scenario, new ForecastStrategy(forecastConfig.parse({})), {
    limits: inPlaceLimits,
    onMoment: ({ hour, lagSeconds, slots, parallelism }) => {
      const second = Math.round(hour * 3600);
      seconds.push({ second, lagSeconds, slots, work: parallelism.work! });
    },
    onDecision: ({ nowMs }, { action }) => {
      if (action.kind === 'hold') return;
      decisions.push({ second: nowMs / 1000, slots: slotsOf(topology, action.parallelism) });
    },
  });
  return { seconds, decisions, slotSeconds: measures.slotHours * 3600 };
}

describe.each(seeds)('a job that tells of itself each second, seed %i', (seed) => {
  test('has enough for a step in the load soon, works off what waits, and comes down again', () => {
    const { seconds, decisions, slotSeconds } = run('step', seed);
    expect(decisions.length).toBeLessThanOrEqual(3);
    expect(slotSeconds).toBeLessThanOrEqual(920);
    const enough = seconds.find(({ second, work }) => second >= 90 && work >= 4);
    expect(enough?.second).toBeLessThanOrEqual(105);
    const gone = seconds.find(({ second, lagSeconds }) => second > 100 && lagSeconds < 1);
    expect(gone?.second).toBeLessThanOrEqual(130);
    expect(seconds.at(-1)!.slots).toBeLessThanOrEqual(slotsOfTaskManager);
  });

  test('is back where it was a minute after a spike', () => {
    const { seconds } = run('spike', seed);
    const { slots } = seconds.find(({ second }) => second === 170)!;
    expect(slots).toBeLessThanOrEqual(slotsOfTaskManager);
  });

  test('is left alone while the load only wavers', () => {
    expect(run('noise', seed).decisions).toEqual([]);
  });

  test('is not changed because a TaskManager was lost', () => {
    const { decisions } = run('loss', seed);
    expect(decisions.filter(({ second }) => second > 150 && second <= 190)).toEqual([]);
  });
});

describe('a job whose load rises step by step', () => {
  test('is given more than it needs when it has to grow again soon, mostly once', () => {
    const counts = seeds.map((seed) => run('ramp', seed).decisions.length).sort((a, b) => a - b);
    expect(counts[(seeds.length - 1) >> 1]).toBeLessThanOrEqual(3);
  });
});
