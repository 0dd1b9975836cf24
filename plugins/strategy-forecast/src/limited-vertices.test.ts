import {
  type SimulatedJob,
  simulate,
  simulatedJobs,
  simulatedTraces,
  simulationSuite,
  type TraceKind,
} from '@tessera/flink-simulator';
import type { DecisionRecord } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { forecastConfig } from './config.ts';
import { ForecastStrategy } from './forecast-strategy.ts';
import type { ForecastLearned, LearnedVertex } from './learned.ts';

const seed = simulationSuite.testSeeds[0]!;
const day = 0.6;

/** Records that are looked at, of a day's: what one key has shows only at sizes at which it matters. */
const everyRecord = 60;

/** What was known of the vertices of a job at some times of some hours. */
function verticesOf(trace: TraceKind, job: SimulatedJob) {
  const known: (readonly [id: string, vertex: LearnedVertex])[] = [];
  let count = 0;
  const record = ({ strategy: { learnedBefore } }: DecisionRecord) => {
    if (count++ % everyRecord !== 0 || learnedBefore === undefined) return;
    const { vertices }: ForecastLearned = JSON.parse(learnedBefore);
    known.push(...Object.entries(vertices));
  };
  const scenario = simulationSuite.scenarioOf({ trace, job }, seed, day);
  simulate(scenario, new ForecastStrategy(forecastConfig.parse({})), {
    recording: { strategy: { name: 'forecast', version: '1', options: '{}' }, record },
  });
  return known;
}

const idsOf = (known: ReturnType<typeof verticesOf>) => new Set(known.map(([id]) => id));

const { diurnal, flatNoisy } = simulatedTraces;
const { pipeline, ioBound } = simulatedJobs;
/** One key has every fifth record, so that no more than five subtasks are of use. */
const hotKey: SimulatedJob = {
  ...simulatedJobs.hotKey,
  vertices: simulatedJobs.hotKey.vertices.map((vertex) =>
    vertex.id === 'join' ? { ...vertex, hotShare: 0.2 } : vertex,
  ),
};

describe('of what limits a vertex the strategy recognises', { timeout: 120_000 }, () => {
  test('a hot key, by the share of its fullest subtask', () => {
    const hot = verticesOf(diurnal, hotKey).filter(([, { hotShare }]) => hotShare !== undefined);
    expect(idsOf(hot)).toEqual(new Set(['join']));
  });

  test('something outside, by what it waits for without being busy', () => {
    const held = verticesOf(flatNoisy, ioBound).filter(([, { external }]) => external.length > 0);
    expect(idsOf(held)).toEqual(new Set(['sink']));
  });

  test.each([{ trace: diurnal }, { trace: flatNoisy }])(
    'neither in a job that has neither, on $trace.name',
    ({ trace }) => {
      const limited = verticesOf(trace, pipeline).filter(
        ([, { hotShare, external }]) => hotShare !== undefined || external.length > 0,
      );
      expect(limited).toEqual([]);
    },
  );
});
