import { simulationSuite as judged, simulate, sustainedLoad } from '@tessera/flink-simulator';
import type { ScalingStrategy } from '@tessera/plugin';
import { sameParallelism } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { CourseRecorder, type Point } from './course.ts';

const entry = judged.suite.find(({ name }) => name === 'steps')!;
const scenario = judged.scenarioOf(entry, 2, 0.5);

const larger = Object.fromEntries(
  Object.entries(scenario.initial).map(([id, subtasks]) => [id, subtasks + 1]),
);
/** Grows after two hours, by one subtask of each vertex. */
const growing: ScalingStrategy = {
  decide: ({ nowMs, parallelism }) => {
    const isTime = nowMs > 7_200_000 && !sameParallelism(parallelism, larger);
    return {
      action: isTime ? { kind: 'rescale', parallelism: larger } : { kind: 'hold' },
      reasons: [{ code: 'TEST', message: 'A test wants it.' }],
      options: [],
      learned: null,
    };
  },
};

describe('the course of a run', () => {
  const recorder = new CourseRecorder(scenario.job);
  let worst = 0;
  const measures = simulate(scenario, growing, {
    onMoment: (moment) => {
      recorder.add(moment);
      worst = Math.max(worst, moment.lagSeconds);
    },
  });
  const course = recorder.course();

  test('has a point for each five minutes, to the end', () => {
    expect(course.load).toHaveLength(144);
    expect(course.lagSeconds).toHaveLength(144);
  });

  test('keeps the worst lag, which a mean would hide', () => {
    expect(worst).toBeGreaterThan(0);
    expect(Math.max(...course.lagSeconds.map(([, lag]) => lag))).toBe(worst);
  });

  test('holds slots from one change to the next, so that their area is what was paid', () => {
    const hours = measures.days * 24;
    const paid = course.slots.reduce((sum, [hour, slots], i) => {
      return sum + slots * ((course.slots[i + 1]?.[0] ?? hours) - hour);
    }, 0);
    expect(Math.abs(paid - measures.slotHours)).toBeLessThan(0.01 * measures.slotHours);
    expect(course.slots.length).toBeGreaterThan(1);
  });

  test('tells capacity by size in records per second', () => {
    const nominal = scenario.job.vertices.reduce(
      (sum, { nominalRate = 0 }) => sum + nominalRate,
      0,
    );
    const [first] = course.capacity as readonly [Point, ...Point[]];
    expect(first[1]).toBe(sustainedLoad(scenario.job, scenario.initial) * nominal);
    expect(course.capacity.at(-1)![1]).toBeGreaterThan(first[1]);
  });
});
