import { simulationSuite as judged, oraclePlan } from '@tessera/flink-simulator';
import type { ScalingStrategy } from '@tessera/plugin';
import { describe, expect, test } from 'vitest';
import { excessKinds, explainRun } from './excess.ts';
import { JustInTime } from './knowing.ts';

const diurnal = judged.suite.find(({ name }) => name === 'diurnal')!;
const whole = judged.scenarioOf(diurnal, judged.trainingSeeds[0]!);
/** Its first half day. */
const scenario = {
  ...whole,
  trace: { ...whole.trace, load: whole.trace.load.slice(0, 8_640) },
  job: { ...whole.job, rescale: { ...whole.job.rescale, failChance: 0 } },
};
const segmentSeconds = judged.oracleSegmentSeconds;
const plan = oraclePlan(scenario.job, scenario.trace, {
  rescaleCost: judged.rescaleCost,
  segmentSeconds,
  maxLagSeconds: judged.maxLagMs / 1000,
});
const hold: ScalingStrategy = {
  decide: () => ({ action: { kind: 'hold' }, reasons: [], options: [], learned: null }),
};

describe('the excess over the oracle', () => {
  const justInTime = new JustInTime(scenario, judged.rescaleCost);

  test.each([
    { who: 'one that never changes', strategy: hold },
    { who: 'one that does', strategy: justInTime },
  ])('of $who is told whole', ({ strategy }) => {
    const { measures, excess } = explainRun(scenario, plan, strategy, segmentSeconds);
    const sum = excessKinds.reduce((total, kind) => total + excess[kind], 0);
    const difference = measures.slotHours - plan.slotHours;
    expect(Math.abs(sum - difference)).toBeLessThan(0.02 * plan.slotHours);
  });

  test('of who knows a little more than strategies do is small, and it keeps up', () => {
    const { measures } = explainRun(scenario, plan, justInTime, segmentSeconds);
    expect(measures.slotHours).toBeLessThan(1.15 * plan.slotHours);
    expect(measures.over120).toBeLessThan(1);
  });
});
