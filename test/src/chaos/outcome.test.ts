import type { PlanKind } from '@tessera/client';
import { describe, expect, test } from 'vitest';
import { faultKinds } from './fault.ts';
import { type ChaosOutcome, type FaultWindow, shortcomings } from './outcome.ts';
import { type QuestionKind, QuestionTally, questionKinds } from './question-kinds.ts';

const window: FaultWindow = {
  faults: [{ kind: 'kill', daemon: 'query-0' }],
  ...{ holdMs: 1, recoveryMs: 1, right: 1, failed: 0 },
};

function tally(plan: PlanKind, kinds: readonly QuestionKind[] = questionKinds): QuestionTally {
  const questions = new QuestionTally();
  for (let i = 0; i < 20; i++) {
    questions.asked(kinds);
    questions.answered(kinds, plan);
  }
  return questions;
}

const enough: ChaosOutcome = {
  windows: [window, window],
  without: new Set(),
  wrong: [],
  lost: [],
  acknowledged: { projects: 2, models: 2 },
  operations: 2,
  publishedSegments: 2,
  questions: tally('cuboid'),
};

describe('what a run has to have shown', () => {
  test('is nothing more where everything was asked, answered and written', () => {
    expect(shortcomings(enough)).toEqual([]);
  });

  test.each<{ change: Partial<ChaosOutcome>; found: RegExp }>([
    { change: { questions: tally('source') }, found: /^share of answers from cuboids: 0/ },
    { change: { questions: new QuestionTally() }, found: /^answers: 0/ },
    { change: { questions: tally('cuboid', ['top k']) }, found: /^restricted user: answers: 0/ },
    { change: { publishedSegments: 0 }, found: /^published segments: 0/ },
    { change: { acknowledged: { models: 0 } }, found: /^models: acknowledged writes: 0/ },
    { change: { windows: Array(200).fill(window) }, found: /^no fault was pause/ },
  ])('is told when it is missing: $found', ({ change, found }) => {
    expect(shortcomings({ ...enough, ...change })).toContainEqual(expect.stringMatching(found));
  });

  test('are no faults that cannot be made', () => {
    const without = new Set(faultKinds);
    const outcome = { ...enough, without, windows: Array(200).fill(window) };
    expect(shortcomings(outcome)).not.toContainEqual(expect.stringMatching(/^no fault was/));
  });
});
