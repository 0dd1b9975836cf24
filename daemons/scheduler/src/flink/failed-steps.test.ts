import { expect, test } from 'vitest';
import { FailedSteps } from './failed-steps.ts';

const condition = { reason: 'FLINK_UNREACHABLE', message: 'It does not answer.' };

test('a step that fails is tried again later and later, and no other one waits for it', () => {
  let nowMs = 0;
  const steps = new FailedSteps(() => nowMs);
  const tries: number[] = [];
  for (; nowMs <= 120_000; nowMs += 500) {
    expect(steps.isDue('other', 'submit')).toBe(true);
    expect(steps.isDue('job', 'cancel')).toBe(true);
    if (!steps.isDue('job', 'submit')) continue;
    tries.push(nowMs);
    steps.add('job', 'submit', condition);
  }
  expect(tries).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
});

test('what a step failed by is told until it was taken', () => {
  const steps = new FailedSteps(() => 0);
  steps.add('job', 'submit', condition);
  expect(steps.conditionOf('job', 'submit')).toBe(condition);
  expect(steps.conditionOf('job', 'cancel')).toBeUndefined();
  steps.forget('job');
  expect([steps.conditionOf('job', 'submit'), steps.isDue('job', 'submit')]).toEqual([
    undefined,
    true,
  ]);
});
