import { describe, expect, test } from 'vitest';
import { measured, resultsOf, traceOf } from './fixture.ts';
import { judgedTraces, lossesOf } from './losses.ts';

describe('a trace is lost', () => {
  test.each([
    { ours: measured(105), theirs: measured(110), codes: [], why: 'not when ours is cheaper' },
    {
      ours: measured(105),
      theirs: measured(104),
      codes: ['RIVAL_BETTER'],
      why: 'to a cheaper one',
    },
    {
      ours: measured(105, 0.1),
      theirs: measured(104, 0.2),
      codes: [],
      why: 'not to a cheaper one that is late for longer',
    },
    {
      ours: measured(105, 0.2),
      theirs: measured(140, 0.1),
      codes: ['LATER_THAN_BASELINE'],
      why: 'when the baseline is late for less time, however dear it is',
    },
    {
      ours: measured(111),
      theirs: measured(140),
      codes: ['FAR_FROM_ORACLE'],
      why: 'when a foreseeable one takes more than is asked',
    },
  ])('$why', ({ ours, theirs, codes }) => {
    const losses = lossesOf(traceOf('any', { ours, theirs }), resultsOf([]));
    expect(losses.map(({ code }) => code)).toEqual(codes);
  });

  test('only by more than 1.2 times the oracle where nothing can be foretold', () => {
    const trace = traceOf('any', { ours: measured(119), theirs: measured(140) });
    expect(lossesOf({ ...trace, class: 'unpredictable' }, resultsOf([]))).toEqual([]);
    const dearer = traceOf('any', { ours: measured(121), theirs: measured(140) });
    expect(lossesOf({ ...dearer, class: 'unpredictable' }, resultsOf([]))).toHaveLength(1);
  });

  test('by the mean over seeds, not by one of them', () => {
    const trace = {
      ...traceOf('any', {}),
      oracle: [
        { slotHours: 100, rescales: 1 },
        { slotHours: 200, rescales: 1 },
      ],
      runs: { ours: [measured(118), measured(200)], theirs: [measured(150), measured(300)] },
    };
    expect(lossesOf(trace, resultsOf([]))).toEqual([]);
  });
});

test('lost traces come first, and the dearest of each kind before the others', () => {
  const theirs = measured(150);
  const traces = [
    traceOf('fair', { ours: measured(102), theirs }),
    traceOf('bad', { ours: measured(120), theirs }),
    traceOf('dearer', { ours: measured(109), theirs }),
    traceOf('worst', { ours: measured(130), theirs }),
  ];
  const order = judgedTraces(resultsOf(traces)).map(({ result }) => result.name);
  expect(order).toEqual(['worst', 'bad', 'dearer', 'fair']);
});
