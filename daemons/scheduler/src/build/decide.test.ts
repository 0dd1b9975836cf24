import { compareRanges, type Segment, type SegmentRange } from '@tessera/cube';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildWish, isOfEverything, isStale, overlap, segmentsToBuild } from './decide.ts';

const day = 86_400_000_000n;
const range = (start: number, end: number): SegmentRange => ({
  kind: 'range',
  start: BigInt(start) * day,
  end: BigInt(end) * day,
});
const all: BuildWish = { force: false, existingOnly: false };

function segment(id: string, of: SegmentRange, layouts = ['a', 'b'], token = 'v1'): Segment {
  return {
    id,
    range: of,
    state: 'READY',
    layouts: layouts.map((layout) => ({ id: layout })) as never,
    snapshots: {},
    sourceVersions: { 'shop.sales': { known: true, token } },
    modelRevision: 1n,
    sourceRows: 1n,
    rejectedRows: 0n,
    builtAt: 0n,
    unmatchedRows: {},
  };
}

function observation(segments: readonly Segment[], ranges: readonly SegmentRange[]) {
  return {
    segments,
    ranges,
    versions: { 'shop.sales': { known: true, token: 'v1' } },
    layouts: ['a', 'b'],
    timeZone: 'UTC',
  };
}

describe('isOfEverything', () => {
  const current = segment('s', range(0, 10));
  const seen = observation([current], [range(0, 10), range(10, 20)]);
  const answer = (wish: BuildWish, of = seen) =>
    isOfEverything(of, segmentsToBuild(of, wish), wish);

  test('is true when no segment stays as it is and nothing is left out', () => {
    expect(answer({ ...all, force: true })).toBe(true);
    expect(answer(all, observation([], [range(0, 10)]))).toBe(true);
  });

  test('is false when segments stay, a part is asked for, or versions are not known', () => {
    expect(answer(all)).toBe(false);
    expect(answer({ ...all, force: true, start: 0n })).toBe(false);
    expect(answer({ ...all, force: true, only: ['s'] })).toBe(false);
    const versions = { 'shop.sales': { known: false as const } };
    expect(answer({ ...all, force: true }, { ...seen, versions } as never)).toBe(false);
  });
});

describe('segmentsToBuild', () => {
  test.each([
    { what: 'a range without a segment', segments: [], wish: all, built: ['a,b'] },
    {
      what: 'a segment that is current',
      segments: [segment('s', range(0, 10))],
      wish: all,
      built: [],
    },
    {
      what: 'a segment that is current, by force',
      segments: [segment('s', range(0, 10))],
      wish: { ...all, force: true },
      built: ['a,b'],
    },
    {
      what: 'a segment that lacks a layout: only that one',
      segments: [segment('s', range(0, 10), ['a', 'old'])],
      wish: all,
      built: ['b'],
    },
    {
      what: 'a stale segment, all of it',
      segments: [segment('s', range(0, 10), ['a'], 'v0')],
      wish: all,
      built: ['a,b'],
    },
    {
      what: 'a missing range when only what exists is wanted',
      segments: [],
      wish: { ...all, existingOnly: true },
      built: [],
    },
    {
      what: 'a stale segment that is not among the named ones',
      segments: [segment('s', range(0, 10), ['a', 'b'], 'v0')],
      wish: { ...all, only: ['t'] },
      built: [],
    },
    {
      what: 'a range that reaches out of the wanted one',
      segments: [],
      wish: { ...all, start: day },
      built: [],
    },
  ])('$what', ({ segments, wish, built }) => {
    const work = segmentsToBuild(observation(segments, [range(0, 10)]), wish);
    expect(work.map(({ layouts }) => layouts.join())).toEqual(built);
  });

  test('keeps those layouts of a segment that the cube still has', () => {
    const seen = observation([segment('s', range(0, 10), ['a', 'old'])], [range(0, 10)]);
    expect(segmentsToBuild(seen, all)).toEqual([
      { id: 's', range: range(0, 10), layouts: ['b'], keeps: ['a'] },
    ]);
  });

  test('fills every range of the source once, whatever segments there are', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 0, maxLength: 12 });
    fc.assert(
      fc.property(
        cuts,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (points, length, hasNull) => {
          const sorted = points.toSorted((a, b) => a - b);
          const segments = sorted
            .slice(0, -1)
            .flatMap((start, i) => (i % 2 === 0 ? [range(start, sorted[i + 1]!)] : []))
            .map((one, i) => segment(`s${i}`, one));
          const ranges: SegmentRange[] = Array.from({ length: Math.ceil(60 / length) }, (_, i) =>
            range(i * length, (i + 1) * length),
          );
          if (hasNull) ranges.push({ kind: 'null' });
          const work = segmentsToBuild(observation(segments, ranges), all);
          const covered = [...segments, ...work].map((one) => one.range);
          for (const [i, one] of covered.entries()) {
            for (const other of covered.slice(i + 1)) expect(overlap(one, other)).toBe(false);
          }
          expect(missingDays(covered, length * Math.ceil(60 / length))).toEqual([]);
          expect(covered.some(({ kind }) => kind === 'null')).toBe(hasNull);
          expect(new Set(work.map(({ id }) => id)).size).toBe(work.length);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });
});

function missingDays(covered: readonly SegmentRange[], days: number): number[] {
  const sorted = covered.toSorted(compareRanges);
  return Array.from({ length: days }, (_, i) => i).filter(
    (i) => !sorted.some((one) => overlap(one, range(i, i + 1)) && one.kind === 'range'),
  );
}

describe('isStale', () => {
  const built = { sourceVersions: { t: { known: true, token: '1' } } };
  test.each([
    ['the same version', { t: { known: true, token: '1' } }, false],
    ['another version', { t: { known: true, token: '2' } }, true],
    ['a version that is not known now', { t: { known: false, token: '' } }, false],
    ['a table that the model no longer reads', {}, false],
  ])('of %s', (_, versions, stale) => {
    expect(isStale(built, versions)).toBe(stale);
  });

  test('of a version that was not known then', () => {
    const unknown = { sourceVersions: { t: { known: false, token: '' } } };
    expect(isStale(unknown, { t: { known: true, token: '2' } })).toBe(false);
  });
});
