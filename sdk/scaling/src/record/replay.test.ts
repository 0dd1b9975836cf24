import { describe, expect, test } from 'vitest';
import { circumstancesOf, decisionOf, size } from '../limits/fixture.ts';
import { type DecidingStrategy, decideWithin, recordDecision } from './decision-record.ts';
import { asksStrategy, replay } from './replay.ts';

const strategy = { name: '@tessera/strategy-test', version: '1.0.0', options: '{}' };
const by = { job: 'flink-jobs/orders', strategy };
const growing: DecidingStrategy = { decide: () => decisionOf(size(4, 12)) };

describe('a recorded decision', () => {
  test('comes out the same when it is made again', () => {
    const { record } = decideWithin(by, circumstancesOf(), growing);
    expect(replay(record, growing)).toEqual({
      identical: true,
      differences: [],
      strategyAsked: true,
    });
  });

  test('says where it comes out otherwise', () => {
    const { record } = decideWithin(by, circumstancesOf(), growing);
    const other: DecidingStrategy = { decide: () => decisionOf(size(4, 13)) };
    const { identical, differences } = replay(record, other);
    expect(identical).toBe(false);
    expect(differences).toContainEqual({
      path: 'outcome.decision.action.parallelism.work',
      recorded: 12,
      replayed: 13,
    });
  });

  test('tells a strategy that learns otherwise by what it learned', () => {
    const { record } = decideWithin(by, circumstancesOf(), growing);
    const other: DecidingStrategy = { decide: () => ({ ...decisionOf(size(4, 12)), learned: 1 }) };
    expect(replay(record, other).differences.map(({ path }) => path)).toEqual([
      'outcome.learnedDigest',
    ]);
  });

  test('of a strategy that was ended at its deadline is not waited for again', () => {
    const hung = { kind: 'failed', code: 'STRATEGY_TIMED_OUT', message: 'No answer.' } as const;
    const { record } = recordDecision(by, circumstancesOf(), hung, []);
    const neverAsked: DecidingStrategy = {
      decide: () => {
        throw new Error('asked');
      },
    };
    expect(replay(record, neverAsked)).toEqual({
      identical: true,
      differences: [],
      strategyAsked: false,
    });
  });

  test('of a strategy that could not be loaded needs it no more now', () => {
    const failed = { kind: 'failed', code: 'STRATEGY_FAILED', message: 'Not installed.' } as const;
    const unloaded = { ...by, strategy: { ...strategy, version: '' } };
    const { record } = recordDecision(unloaded, circumstancesOf(), failed, []);
    expect(asksStrategy(record)).toBe(false);
    expect(replay(record, growing).identical).toBe(true);
    const thrown = recordDecision(by, circumstancesOf(), failed, []).record;
    expect(asksStrategy(thrown)).toBe(true);
  });

  test('keeps what was learned when the strategy throws, or learns what JSON cannot hold', () => {
    const learned = { ...by, strategy: { ...strategy, learnedBefore: '{"level":3}' } };
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const failing: readonly DecidingStrategy[] = [
      {
        decide: () => {
          throw new Error('out of ideas');
        },
      },
      { decide: () => ({ ...decisionOf(size(4, 12)), learned: cyclic }) },
      { decide: () => ({ ...decisionOf(size(4, 12)), learned: () => 1 }) },
    ];
    for (const each of failing) {
      const decided = decideWithin(learned, circumstancesOf(), each);
      expect(decided.learned).toBe('{"level":3}');
      expect(decided.record.result.action.kind).toBe('hold');
      expect(replay(decided.record, each).identical).toBe(true);
    }
  });

  test('has what vetoes said; one that throws holds the rescale back', () => {
    const broken = {
      name: 'broken',
      review: () => {
        throw new Error('no calendar');
      },
    };
    const { record } = decideWithin(by, circumstancesOf(), growing, [broken]);
    expect(record.vetoes).toEqual([
      { veto: 'broken', answer: { failed: 'it threw: no calendar' } },
    ]);
    expect(record.result.action.kind).toBe('hold');
    expect(replay(record, growing).identical).toBe(true);
  });
});
