import { describe, expect, test } from 'vitest';
import { asObserved, stillEmpty } from './emptiness.ts';

const processOf = (pid: number, startTicks = 1) => {
  return { pid, startTicks, state: 'R', groupId: pid, sessionId: pid };
};
const [one, two] = [processOf(1), processOf(2)];
const first = stillEmpty(undefined, { run: 4, nowMs: 100, changing: [one, two] });

describe('after a look that has found nothing of a run', () => {
  test('it is as long ago as the first of those in a row', () => {
    const second = stillEmpty(first, { run: 4, nowMs: 150, changing: [] });
    expect(asObserved(first, 100)).toEqual({ emptyForMs: 0, suspectCount: 2 });
    expect(asObserved(second, 150)).toEqual({ emptyForMs: 50, suspectCount: 0 });
    expect(asObserved(undefined, 150)).toEqual({ suspectCount: 0 });
  });

  test('what became another program is suspected until it was seen otherwise, and nothing else is', () => {
    const second = stillEmpty(first, { run: 4, nowMs: 150, changing: [two, processOf(3)] });
    expect(second.suspects).toEqual([two]);
    expect(stillEmpty(second, { run: 4, nowMs: 200, changing: [one] }).suspects).toEqual([]);
    const reused = [processOf(2, 9)];
    expect(stillEmpty(second, { run: 4, nowMs: 200, changing: reused }).suspects).toEqual([]);
  });

  test('another run is looked at from the beginning', () => {
    const next = stillEmpty(first, { run: 5, nowMs: 300, changing: [] });
    expect(asObserved(next, 310)).toEqual({ emptyForMs: 10, suspectCount: 0 });
  });
});
