import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecisionHistory, type StoredDecision, withDecision } from './decision-history.ts';

const bounds = { eventful: 5, uneventful: 2, bytes: 1_000 };
const stored = (timeMs: number, eventful: boolean, size = 10): StoredDecision => ({
  timeMs,
  eventful,
  sizeBytes: size,
  stored: new Uint8Array(0),
});
const gathered = (decisions: readonly StoredDecision[]) =>
  decisions.reduce<DecisionHistory>((history, each) => withDecision(history, each, bounds), []);
const timesOf = (history: DecisionHistory) => history.map(({ timeMs }) => timeMs);

describe('a history of decisions', () => {
  test('keeps those in which something happened longer than the others', () => {
    const happened = [1, 2, 3].map((timeMs) => stored(timeMs, true));
    const nothing = [4, 5, 6, 7].map((timeMs) => stored(timeMs, false));
    expect(timesOf(gathered([...happened, ...nothing]))).toEqual([1, 2, 3, 6, 7]);
  });

  test('makes room for a large one, which is kept even if it alone is too large', () => {
    expect(
      timesOf(gathered([stored(1, true, 600), stored(2, false, 300), stored(3, true, 500)])),
    ).toEqual([3]);
    expect(timesOf(gathered([stored(1, true), stored(2, true, 5_000)]))).toEqual([2]);
  });

  test('is in order, and within its bounds', () => {
    const any = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 400 })), { maxLength: 40 });
    fc.assert(
      fc.property(any, (made) => {
        const history = gathered(made.map(([eventful, bytes], i) => stored(i, eventful, bytes)));
        expect(timesOf(history)).toEqual([...timesOf(history)].sort((a, b) => a - b));
        expect(history.filter(({ eventful }) => eventful).length).toBeLessThanOrEqual(
          bounds.eventful,
        );
        expect(history.filter(({ eventful }) => !eventful).length).toBeLessThanOrEqual(
          bounds.uneventful,
        );
        const bytes = history.reduce((sum, each) => sum + each.sizeBytes, 0);
        expect(bytes).toBeLessThanOrEqual(bounds.bytes);
        if (made.length > 0) expect(history.at(-1)?.timeMs).toBe(made.length - 1);
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});
