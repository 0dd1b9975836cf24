import type { Segment, SourceVersion } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { isStale } from './decide.ts';
import { expiredSegments, isRetiredBefore, microsOf } from './maintenance-due.ts';
import { mergeAsked, mergedVersions } from './merge-operation.ts';

const month = (number: number) => BigInt(Date.UTC(2024, number - 1, 1)) * 1000n;

function segment(number: number, changes: Partial<Segment> = {}): Segment {
  return {
    id: `2024-0${number}`,
    range: { kind: 'range', start: month(number), end: month(number + 1) },
    state: 'READY',
    layouts: [{ id: 'a' }] as never,
    snapshots: { i: 'items-1' },
    sourceVersions: {},
    modelRevision: 1n,
    sourceRows: 1n,
    rejectedRows: 0n,
    builtAt: 0n,
    unmatchedRows: {},
    ...changes,
  };
}

const nulls: Segment = { ...segment(9), id: 'null', range: { kind: 'null' } };

function asked(segments: readonly Segment[], request: object = {}) {
  const cube = { name: 'projects/p/cubes/c', segments, model: { timeZone: 'UTC' } as never };
  return mergeAsked(cube, {
    segments: [],
    startMicros: undefined,
    endMicros: undefined,
    ...request,
  });
}

describe('what a merge is asked to merge', () => {
  test('are the named segments in the order of time', () => {
    const request = { segments: ['projects/p/cubes/c/segments/2024-02', '2024-01'] };
    expect(asked([segment(2), segment(3), segment(1)], request)).toMatchObject({
      range: { kind: 'range', start: month(1), end: month(3) },
      segments: ['2024-01', '2024-02'],
    });
  });

  test('are those in a range, never the rows without a time', () => {
    const request = { startMicros: month(2), endMicros: month(4) };
    const found = asked([segment(1), segment(2), segment(3), segment(4), nulls], request);
    expect(found.segments).toEqual(['2024-02', '2024-03']);
  });

  test.each([
    ['nothing', [], 'NO_SEGMENTS_IN_RANGE'],
    ['one', [segment(1), nulls], 'NO_SEGMENTS_IN_RANGE'],
    ['a hole', [segment(1), segment(3)], 'SEGMENTS_NOT_ADJACENT'],
    [
      'other snapshots',
      [segment(1), segment(2, { snapshots: { i: 'items-2' } })],
      'SEGMENTS_DIFFER',
    ],
    ['other layouts', [segment(1), segment(2, { layouts: [] })], 'SEGMENTS_DIFFER'],
  ])('is refused for %s', (_, segments, reason) => {
    expect(() => asked(segments)).toThrow(expect.objectContaining({ reason }));
  });
});

describe('what is due', () => {
  test('retention counts back from the newest segment', () => {
    const segments = [1, 2, 3, 4, 5].map((number) => segment(number));
    expect(expired([...segments, nulls], '2m')).toEqual(['2024-01', '2024-02', '2024-03']);
    expect(expired(segments, undefined)).toEqual([]);
    expect(expired([], '2m')).toEqual([]);
  });

  test('retention does not count from a date far ahead, nor from time without rows', () => {
    const segments = [1, 2, 3, 4, 5].map((number) => segment(number));
    const ahead = { kind: 'range', start: month(60_000), end: month(60_001) } as const;
    const run = { kind: 'range', start: month(6), end: month(60_000) } as const;
    const beside = [segment(6, { range: run, sourceRows: 0n }), segment(7, { range: ahead })];
    expect(expired([...segments, ...beside], '2m')).toEqual(['2024-01', '2024-02', '2024-03']);
    expect(expired([segment(7, { range: ahead })], '2m')).toEqual([]);
  });

  function expired(segments: readonly Segment[], retain: string | undefined): string[] {
    return expiredSegments(segments, { retain, timeZone: 'UTC', now: month(9) });
  }

  test.each([
    ['RETIRED', 10n, true],
    ['RETIRED', 9n, false],
    ['READY', 10n, false],
  ] as const)('a %s segment of second 10 at second %s', (state, seconds, due) => {
    const retired = {
      state: metadata.SegmentState[`SEGMENT_STATE_${state}`],
      retireTime: { seconds: 9n, nanos: 500_000_000 },
    };
    expect(isRetiredBefore(retired, seconds * 1_000_000n)).toBe(due);
  });

  test('times are microseconds, to the digit', () => {
    expect(microsOf({ seconds: 1_700_000_000n, nanos: 123_456_789 })).toBe(1_700_000_000_123_456n);
    expect(microsOf(undefined)).toBe(0n);
  });
});

describe('what a merged segment says of the tables that it was built from', () => {
  const of = (...versions: readonly (SourceVersion | undefined)[]) =>
    mergedVersions(versions.map((t) => ({ sourceVersions: t === undefined ? {} : { t } })))['t'];
  const [one, two] = ['1', '2'].map((token) => ({ known: true, token })) as [
    SourceVersion,
    SourceVersion,
  ];
  const unknown = { known: false, token: '' };

  test('is their version when all parts are of one, known or not', () => {
    expect(of(one, one)).toEqual(one);
    expect(of(unknown, unknown)).toEqual(unknown);
  });

  test.each([
    [one, two],
    [two, one],
    [two, unknown],
    [undefined, two],
  ])('is a version that no table has when they are of several: %j and %j', (...versions) => {
    const merged = of(...versions)!;
    expect(merged.known).toBe(true);
    expect([one, two, unknown].map(({ token }) => token)).not.toContain(merged.token);
    expect(isStale({ sourceVersions: { t: merged } }, { t: two })).toBe(true);
  });
});
