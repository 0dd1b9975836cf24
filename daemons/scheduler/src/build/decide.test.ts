import { compareRanges, type Segment, type SegmentRange, type SourceExtent } from '@tessera/cube';
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

/** Rows everywhere, unless stretches of days say where. */
const anywhere: SourceExtent = {
  empty: false,
  minimum: 0n,
  maximum: 100n * day,
  hasNulls: true,
};
const onDays = (...days: readonly number[]): SourceExtent => ({
  ...anywhere,
  hasNulls: false,
  stretches: days.map((at) => ({ minimum: BigInt(at) * day, maximum: BigInt(at) * day })),
});

function observation(
  segments: readonly Segment[],
  ranges: readonly SegmentRange[],
  extent = anywhere,
) {
  return {
    segments,
    ranges,
    extent,
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
      { id: 's', range: range(0, 10), layouts: ['b'], keeps: ['a'], empty: false },
    ]);
  });

  describe('of time without rows', () => {
    const run = (token = 'v1') => ({
      ...segment('run', range(10, 90), ['a', 'b'], token),
      sourceRows: 0n,
    });
    const shown = (
      segments: readonly Segment[],
      ranges: readonly SegmentRange[],
      extent: SourceExtent,
      wish = all,
    ) =>
      segmentsToBuild(observation(segments, ranges, extent), wish).map(
        ({ range: of, empty, replaces }) => [of, empty, replaces],
      );

    test('makes one segment of a run, and reads nothing for it', () => {
      const ranges = [range(0, 10), range(10, 90), range(90, 100)];
      expect(shown([], ranges, onDays(5, 95))).toEqual([
        [range(0, 10), false, undefined],
        [range(10, 90), true, undefined],
        [range(90, 100), false, undefined],
      ]);
    });

    test('leaves it as it is while it has no rows, and makes it again when the source has changed', () => {
      const ranges = [range(10, 90)];
      expect(shown([run()], ranges, onDays(5, 95))).toEqual([]);
      expect(shown([run('v0')], ranges, onDays(5, 95))).toEqual([[range(10, 90), true, undefined]]);
    });

    test.each([all, { ...all, existingOnly: true }, { ...all, only: ['run'], existingOnly: true }])(
      'cuts it where it has got rows: %j',
      (wish) => {
        const ranges = [range(0, 10), range(10, 40), range(40, 50), range(50, 100)];
        const old = [segment('s', range(0, 10)), run('v0')];
        expect(shown(old, ranges, onDays(5, 45, 95), wish)).toEqual([
          [range(10, 40), true, 'run'],
          [range(40, 50), false, 'run'],
          [range(50, 90), true, 'run'],
          ...(wish.existingOnly ? [] : [[range(90, 100), false, undefined]]),
        ]);
      },
    );

    test('does not trust that it has none when the model has changed altogether', () => {
      const other = { ...run(), layouts: [{ id: 'old' }] as never };
      expect(shown([other], [range(10, 20), range(20, 90)], onDays(15))).toEqual([
        [range(10, 20), false, 'run'],
        [range(20, 90), true, 'run'],
      ]);
    });

    test('covers what the source no longer reaches', () => {
      const old = [segment('s', range(0, 10)), run('v0')];
      expect(shown(old, [range(0, 10), range(10, 20)], onDays(5, 15))).toEqual([
        [range(10, 20), false, 'run'],
        [range(20, 90), true, 'run'],
      ]);
    });

    test('adds a layout that it lacks without reading', () => {
      const lacks = { ...run(), layouts: [{ id: 'a' }] as never };
      expect(segmentsToBuild(observation([lacks], [], onDays(5)), all)).toEqual([
        { id: 'run', range: range(10, 90), layouts: ['b'], keeps: ['a'], empty: true },
      ]);
    });

    test('counts as built for a build of everything when others take over', () => {
      const seen = observation([run('v0')], [range(10, 20), range(20, 90)], onDays(15));
      expect(isOfEverything(seen, segmentsToBuild(seen, all), all)).toBe(true);
    });
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
