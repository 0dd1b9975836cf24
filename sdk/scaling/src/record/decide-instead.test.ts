import { describe, expect, test } from 'vitest';
import { circumstancesOf, decisionOf, inputAt, noonMs, size } from '../limits/fixture.ts';
import { decideInstead } from './decide-instead.ts';
import { type DecidingStrategy, decideWithin } from './decision-record.ts';

const use = { name: '@tessera/strategy-recorded', version: '1.0.0', options: '{}' };
const other = { name: '@tessera/strategy-other', version: '2.0.0', options: '{}' };

/** Wants as many subtasks more as it has been asked before, and remembers that. */
const counting: DecidingStrategy = {
  decide: (_, learned = 0) => {
    const asked = Number(learned);
    return { ...decisionOf(size(4, 9 + asked)), learned: asked + 1 };
  },
};

const records = [0, 1, 2].map((minute) => {
  const input = inputAt({ nowMs: noonMs + minute * 60_000 });
  const strategy = { ...use, learnedBefore: '5' };
  const by = { job: 'flink-jobs/orders', strategy };
  return decideWithin(by, circumstancesOf({ input }), { decide: () => decisionOf() }).record;
});

const wanted = (by: typeof use, memory = records) =>
  decideInstead(memory, by, counting).map(
    ({
      instead: {
        result: { action },
      },
    }) => (action.kind === 'rescale' ? action.parallelism['work'] : 'hold'),
  );

describe('deciding instead', () => {
  test('learns from one record to the next, beginning with nothing', () => {
    expect(wanted(other)).toEqual([9, 10, 11]);
  });

  test('goes on from what was learned then where the package is the same', () => {
    expect(wanted({ ...use, options: '{"target":0.5}' })).toEqual([14, 14, 14]);
  });

  test('keeps the limits of then, but not the pause after failures of another strategy', () => {
    const paused = records.map((record) => ({
      ...record,
      memory: { ...record.memory, failures: 3, askAgainMs: noonMs + 3_600_000 },
      limits: { ...record.limits, bounds: { maxSlots: 10 } },
    }));
    expect(wanted(other, paused)).toEqual([9, 10, 10]);
  });

  test('asks nobody while a rescale was under way', () => {
    const inFlight = { startedMs: noonMs, to: size(4, 9) };
    expect(
      wanted(
        other,
        records.map((record) => ({ ...record, inFlight })),
      ),
    ).toEqual(['hold', 'hold', 'hold']);
  });
});
