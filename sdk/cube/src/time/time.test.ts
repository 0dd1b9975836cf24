import type { DataType, Value } from '@tessera/columnar';
import type { Expr } from '@tessera/sql';
import { childrenOf, conjuncts, lit, type } from '@tessera/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Partition } from '../model.ts';
import type { Grain } from '../model-spec.ts';
import type { Segment, SegmentRange } from '../segment.ts';
import { addMonths, civilOf, daysOf, floorCivil, grains, microsPerDay, nests } from './civil.ts';
import { mergesDue } from './merges-due.ts';
import { partitionMicros, partitionPredicate } from './partition-predicate.ts';
import { nextPeriod, periodAt } from './period.ts';
import { rangeLabel } from './range-label.ts';
import { parseRetention, retentionStart, segmentsExpired } from './retention.ts';
import { compareRanges, segmentRanges } from './segment-ranges.ts';
import { holdsNoRows, joinStretches, stretchGroups } from './stretches.ts';
import { instantOf, localOf } from './zone.ts';

const utc = (text: string) => BigInt(Date.parse(text)) * 1000n;
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Pacific/Apia',
];
const instant = fc.bigInt({ min: utc('1800-01-01'), max: utc('2200-01-01') });
const recent = fc.bigInt({ min: utc('1970-01-01'), max: utc('2035-01-01') });
const anyGrain = fc.constantFrom(...grains);
const anyZone = fc.constantFrom(...zones);
const column = (of: Expr['type']): Expr => ({
  kind: 'column',
  type: of,
  relation: 'f',
  name: 'd',
});

describe('the calendar', () => {
  test('agrees with the platform on every day of four centuries, and back', () => {
    for (let day = -800_000n; day < 800_000n; day += 7n) {
      const date = new Date(Number(day) * 86_400_000);
      const civil = civilOf(day);
      expect(civil).toEqual({
        year: BigInt(date.getUTCFullYear()),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
      });
      expect(daysOf(civil)).toBe(day);
    }
  });

  test.each<[Grain, string]>([
    ['minute', '2024-02-29T13:45:00Z'],
    ['hour', '2024-02-29T13:00:00Z'],
    ['day', '2024-02-29'],
    ['week', '2024-02-26'],
    ['month', '2024-02-01'],
    ['quarter', '2024-01-01'],
    ['year', '2024-01-01'],
  ])('cuts to the %s', (grain, start) => {
    expect(floorCivil(grain, utc('2024-02-29T13:45:12.345Z') + 678n)).toBe(utc(start));
  });

  test('cuts the day to the length of the month that adding months lands in', () => {
    expect(addMonths(utc('2024-01-31T10:00:00Z'), 1n)).toBe(utc('2024-02-29T10:00:00Z'));
    expect(addMonths(utc('2024-02-29'), -12n)).toBe(utc('2023-02-28'));
    expect(addMonths(utc('1969-12-31'), 2n)).toBe(utc('1970-02-28'));
  });

  test('weeks are not made of months, nor months of weeks', () => {
    expect(nests('day', 'week')).toBe(true);
    expect(nests('week', 'month')).toBe(false);
    expect(nests('month', 'week')).toBe(false);
    expect(nests('month', 'quarter')).toBe(true);
  });
});

describe('zones', () => {
  test.each([
    ['Europe/Berlin', '2024-07-01T12:00:00', '2024-07-01T10:00:00Z', 'summer'],
    ['Europe/Berlin', '2024-01-01T12:00:00', '2024-01-01T11:00:00Z', 'winter'],
    ['Europe/Berlin', '2024-03-31T02:30:00', '2024-03-31T01:30:00Z', 'skipped: offset before'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T01:30:00Z', 'shown twice: the later'],
    ['America/Sao_Paulo', '2018-11-04T00:00:00', '2018-11-04T03:00:00Z', 'midnight skipped'],
    ['America/New_York', '2024-11-03T01:30:00', '2024-11-03T06:30:00Z', 'twice, west of UTC'],
    ['Asia/Kolkata', '2024-01-01T00:00:00', '2023-12-31T18:30:00Z', 'half an hour'],
  ])('%s %s is %s (%s)', (zone, local, expected) => {
    expect(instantOf(zone, utc(`${local}Z`))).toBe(utc(expected));
  });

  test('what the clocks show is read back as the same instant, or the later one that shows it too', () => {
    fc.assert(
      fc.property(instant, anyZone, (time, zone) => {
        const local = localOf(zone, time);
        const back = instantOf(zone, local);
        expect(back >= time).toBe(true);
        expect(localOf(zone, back)).toBe(local);
      }),
      { numRuns: 1000, seed: 21 },
    );
  });

  test('an unknown zone is refused by name', () => {
    expect(() => localOf('Europe/Atlantis', 0n)).toThrow(
      expect.objectContaining({ reason: 'TIME_ZONE_UNKNOWN' }),
    );
  });
});

describe('periods', () => {
  test('hold their instant, are never empty, and follow each other without gap or overlap', () => {
    fc.assert(
      fc.property(recent, anyGrain, anyZone, (time, grain, zone) => {
        const period = periodAt(grain, time, zone);
        expect(period.start <= time && time < period.end).toBe(true);
        expect(periodAt(grain, period.start, zone)).toEqual(period);
        expect(periodAt(grain, period.end - 1n, zone)).toEqual(period);
        expect(nextPeriod(grain, period, zone).start).toBe(period.end);
      }),
      { numRuns: 2000, seed: 22 },
    );
  });

  test('of a coarser grain are made of whole periods of a finer one', () => {
    const daily = grains.filter((grain) => grain !== 'minute');
    fc.assert(
      fc.property(
        recent,
        fc.constantFrom(...daily),
        fc.constantFrom(...daily),
        anyZone,
        (time, fine, coarse, zone) => {
          fc.pre(nests(fine, coarse));
          const whole = periodAt(coarse, time, zone);
          expect(periodAt(fine, whole.start, zone).start).toBe(whole.start);
          expect(periodAt(fine, whole.end - 1n, zone).end).toBe(whole.end);
        },
      ),
      { numRuns: 1000, seed: 23 },
    );
  });

  test('a day has 23, 24 or 25 hours as the clocks change', () => {
    const hours = (day: string) => {
      const { start, end } = periodAt('day', instantOf('Europe/Berlin', utc(day)), 'Europe/Berlin');
      return (end - start) / 3_600_000_000n;
    };
    expect([hours('2024-03-31'), hours('2024-04-01'), hours('2024-10-27')]).toEqual([
      23n,
      24n,
      25n,
    ]);
  });
});

describe('segmentRanges', () => {
  const extent = (minimum: bigint, maximum: bigint) => ({
    empty: false,
    minimum,
    maximum,
    hasNulls: true,
  });

  test('partition time exactly: each row of the source is in one range', () => {
    const span = fc.bigInt({ min: 0n, max: 400n * microsPerDay });
    const coarse = fc.constantFrom<Grain>('day', 'week', 'month', 'quarter', 'year');
    fc.assert(
      fc.property(recent, span, coarse, anyZone, (minimum, length, every, zone) => {
        const ranges = segmentRanges(every, extent(minimum, minimum + length), zone);
        expect(ranges.at(-1)).toEqual({ kind: 'null' });
        const timed = ranges.slice(0, -1) as Extract<SegmentRange, { kind: 'range' }>[];
        expect(timed[0]!.start <= minimum && minimum < timed[0]!.end).toBe(true);
        expect(timed.at(-1)!.end > minimum + length).toBe(true);
        expect(timed.at(-1)!.start <= minimum + length).toBe(true);
        for (let i = 1; i < timed.length; i++) expect(timed[i]!.start).toBe(timed[i - 1]!.end);
        expect(new Set(ranges.map((range) => rangeLabel(range, zone))).size).toBe(ranges.length);
      }),
      { numRuns: 300, seed: 24 },
    );
  });

  test('one segment holds all of an unpartitioned model, also an empty one', () => {
    const empty = { empty: true, minimum: 0n, maximum: 0n, hasNulls: false };
    expect(segmentRanges(undefined, empty)).toEqual([{ kind: 'all' }]);
    expect(segmentRanges('year', empty)).toEqual([]);
  });

  test('a wild date does not make a million segments', () => {
    expect(() => segmentRanges('day', extent(utc('2000-01-01'), utc('9999-12-31')))).toThrow(
      expect.objectContaining({ reason: 'TOO_MANY_SEGMENTS' }),
    );
  });
});

describe('rangeLabel', () => {
  const range = (start: string, end: string): SegmentRange => ({
    kind: 'range',
    start: utc(start),
    end: utc(end),
  });
  test.each<[SegmentRange, string, string]>([
    [range('1992-01-01', '1993-01-01'), 'UTC', '1992'],
    [range('2001-01-01', '2001-02-01'), 'UTC', '2001-01'],
    [range('2001-04-01', '2001-07-01'), 'UTC', '2001-q2'],
    [range('2020-12-28', '2021-01-04'), 'UTC', '2020-w53'],
    [range('2018-12-31', '2019-01-07'), 'UTC', '2019-w01'],
    [range('2001-01-31', '2001-02-01'), 'UTC', '2001-01-31'],
    [range('2001-01-31T07:00:00Z', '2001-01-31T08:00:00Z'), 'UTC', '2001-01-31t07'],
    [range('2001-01-31T07:30:00Z', '2001-01-31T07:31:00Z'), 'UTC', '2001-01-31t07-30'],
    [range('2001-01-01', '2001-03-15'), 'UTC', '2001-01-01_2001-03-15'],
    [range('2024-06-30T22:00:00Z', '2024-07-31T22:00:00Z'), 'Europe/Berlin', '2024-07'],
    [range('2018-11-04T03:00:00Z', '2018-11-05T02:00:00Z'), 'America/Sao_Paulo', '2018-11-04'],
    [range('2024-10-27T01:00:00Z', '2024-10-27T02:00:00Z'), 'Europe/Berlin', '2024-10-27t01-00z'],
    [{ kind: 'null' }, 'UTC', 'null'],
    [{ kind: 'all' }, 'UTC', 'all'],
  ])('%o in %s is %s', (given, zone, label) => {
    expect(rangeLabel(given, zone)).toBe(label);
  });

  test('is a valid resource id for any period, also before the year 1', () => {
    const ever = fc.bigInt({ min: -200_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });
    fc.assert(
      fc.property(ever, anyGrain, (time, grain) => {
        const label = rangeLabel({ kind: 'range', ...periodAt(grain, time, 'UTC') });
        expect(label).toMatch(/^[a-z0-9][a-z0-9_.-]{0,127}$/);
      }),
      { numRuns: 500, seed: 25 },
    );
  });
});

describe('partitionPredicate', () => {
  /** Whether `value` passes the comparisons of a predicate. */
  const passes = (predicate: Expr | undefined, value: Value): boolean => {
    if (predicate === undefined) return true;
    if (predicate.kind !== 'call') throw new Error('not a predicate');
    if (predicate.fn === 'and') return predicate.args.every((arg) => passes(arg, value));
    if (predicate.fn === 'is_null') return value === null;
    const bound = (predicate.args[1] as Extract<Expr, { kind: 'literal' }>).value;
    if (value === null || bound === null) return false;
    return predicate.fn === '>=' ? value >= bound : value < bound;
  };

  const partitions: readonly (readonly [string, Partition, (micros: bigint) => Value])[] = [
    ['date', { column: column(type.date), grain: 'day' }, (t) => Number(t / microsPerDay)],
    ['timestamp', { column: column(type.timestamp), grain: 'day' }, (t) => t],
    ['timestamptz', { column: column(type.timestamptz), grain: 'day' }, (t) => t],
    [
      'yyyyMMdd',
      { column: column(type.integer), grain: 'day', format: 'yyyyMMdd' },
      (t) => Number(iso(t).replaceAll('-', '').slice(0, 8)),
    ],
    [
      'bigint',
      { column: column(type.bigint), grain: 'day', format: 'yyyyMMdd' },
      (t) => BigInt(iso(t).replaceAll('-', '').slice(0, 8)),
    ],
    [
      'text',
      { column: column(type.text), grain: 'day', format: 'yyyy-MM-dd' },
      (t) => iso(t).slice(0, 10),
    ],
    [
      'text digits',
      { column: column(type.text), grain: 'day', format: 'yyyyMMdd' },
      (t) => iso(t).replaceAll('-', '').slice(0, 8),
    ],
    [
      'text time',
      { column: column(type.text), grain: 'hour', format: 'yyyy-MM-dd HH:mm' },
      (t) => iso(t).slice(0, 16).replace('T', ' '),
    ],
  ];
  const iso = (micros: bigint) => new Date(Number(micros / 1000n)).toISOString();

  test.each(partitions)(
    'takes each value of a %s into the one range of its time',
    (_, partition, spelled) => {
      const time = fc.bigInt({ min: utc('1990-01-01'), max: utc('2010-12-31') });
      fc.assert(
        fc.property(
          time,
          fc.constantFrom<Grain>('day', 'month', 'quarter', 'year'),
          (at, every) => {
            const value = spelled(at);
            const micros = partitionMicros(partition, value)!;
            const around = [-1n, 0n, 1n].map((step) => {
              const here = periodAt(every, micros, 'UTC');
              return step === 0n
                ? here
                : periodAt(every, step < 0n ? here.start - 1n : here.end, 'UTC');
            });
            const holds = around.map((period) =>
              passes(partitionPredicate(partition, { kind: 'range', ...period }), value),
            );
            expect(holds).toEqual([false, true, false]);
            expect(passes(partitionPredicate(partition, { kind: 'null' }), value)).toBe(false);
          },
        ),
        { numRuns: 200, seed: 26 },
      );
      expect(passes(partitionPredicate(partition, { kind: 'null' }), null)).toBe(true);
      expect(partitionPredicate(partition, { kind: 'all' })).toBeUndefined();
    },
  );

  test('an integer that is no date still belongs to the range that its order puts it in', () => {
    const partition: Partition = {
      column: column(type.integer),
      grain: 'month',
      format: 'yyyyMMdd',
    };
    fc.assert(
      fc.property(fc.integer({ min: 19900000, max: 20109999 }), (value) => {
        const period = periodAt('month', partitionMicros(partition, value)!, 'UTC');
        expect(passes(partitionPredicate(partition, { kind: 'range', ...period }), value)).toBe(
          true,
        );
      }),
      { numRuns: 500, seed: 27 },
    );
  });

  test('spells the bounds as the column does', () => {
    const year: SegmentRange = { kind: 'range', start: utc('1992-01-01'), end: utc('1993-01-01') };
    const partition: Partition = {
      column: column(type.integer),
      grain: 'year',
      format: 'yyyyMMdd',
    };
    const predicate = partitionPredicate(partition, year);
    const bounds = conjuncts(predicate).map((bound) => childrenOf(bound)[1]);
    expect(bounds).toEqual([lit.int(19920101), lit.int(19930101)]);
  });

  test('a value that the format cannot read is an error that names it', () => {
    const partition: Partition = { column: column(type.text), grain: 'day', format: 'yyyy-MM-dd' };
    expect(() => partitionMicros(partition, 'soon')).toThrow(
      expect.objectContaining({ reason: 'PARTITION_VALUE_INVALID' }),
    );
    expect(partitionMicros(partition, null)).toBeUndefined();
  });
});

describe('stretches of time that hold rows', () => {
  type Range = Extract<SegmentRange, { kind: 'range' }>;
  const times = fc.uniqueArray(recent, { minLength: 1, maxLength: 12 });
  const extentOf = (found: readonly bigint[]) => {
    const stretches = joinStretches(found.map((at) => ({ minimum: at, maximum: at })));
    const [first, last] = [stretches[0]!, stretches.at(-1)!];
    return {
      empty: false,
      minimum: first.minimum,
      maximum: last.maximum,
      hasNulls: false,
      stretches,
    };
  };

  test('give one period each and one segment per run between them, without gap or overlap', () => {
    fc.assert(
      fc.property(
        times,
        fc.constantFrom<Grain>('day', 'week', 'month', 'year'),
        anyZone,
        (at, every, zone) => {
          const extent = extentOf(at);
          const ranges = segmentRanges(every, extent, zone) as Range[];
          for (const [i, { end }] of ranges.slice(0, -1).entries()) {
            expect(ranges[i + 1]!.start).toBe(end);
          }
          const starts = new Set(at.map((each) => periodAt(every, each, zone).start));
          const filled = ranges.filter((range) => !holdsNoRows(range, extent));
          expect(filled.map(({ start }) => start)).toEqual(
            [...starts].sort((a, b) => (a < b ? -1 : 1)),
          );
          for (const { start, end } of filled) expect(periodAt(every, start, zone).end).toBe(end);
          expect(ranges.length).toBeLessThan(2 * filled.length);
        },
      ),
      { numRuns: 200, seed: 31 },
    );
  });

  test('a date far ahead costs one segment more', () => {
    const extent = extentOf([utc('2024-01-15'), utc('2024-03-15'), utc('9999-12-31')]);
    expect(segmentRanges('month', extent).map((range) => rangeLabel(range))).toEqual([
      '2024-01',
      '2024-02',
      '2024-03',
      '2024-04-01_9999-12-01',
      '9999-12',
    ]);
  });

  test('a run is cut where merges and the bounds of a build end', () => {
    const extent = extentOf([utc('2024-04-15'), utc('2031-12-31')]);
    const labels = (borders: Parameters<typeof segmentRanges>[3]) =>
      segmentRanges('month', extent, 'UTC', borders).map((range) => rangeLabel(range));
    const cut = labels({ autoMerge: ['quarter', 'year'] });
    expect(cut).toEqual([
      '2024-04',
      '2024-05-01_2024-07-01',
      '2024-07-01_2025-01-01',
      '2025-01-01_2031-01-01',
      '2031-01-01_2031-10-01',
      '2031-10-01_2031-12-01',
      '2031-12',
    ]);
    const bounds = { start: utc('2025-06-10'), end: utc('2026-03-20') };
    expect(labels(bounds)).toContain('2025-07-01_2026-03-01');
  });

  test('runs that were cut so merge as their periods would', () => {
    const extent = extentOf([utc('2024-01-15'), utc('2024-03-15'), utc('9999-12-31')]);
    const segments = segmentRanges('month', extent, 'UTC', { autoMerge: ['year'] }).map(
      (range) =>
        ({
          id: rangeLabel(range),
          range,
          state: 'READY',
          layouts: [],
          snapshots: {},
        }) as unknown as Segment,
    );
    expect(mergesDue(segments, ['year']).map(({ id }) => id)).toEqual(['2024', '9999']);
  });

  test('unknown stretches mean rows anywhere between the ends, and none beyond', () => {
    const extent = { empty: false, minimum: 10n, maximum: 20n, hasNulls: false };
    const of = (start: bigint, end: bigint) => holdsNoRows({ kind: 'range', start, end }, extent);
    expect([of(0n, 10n), of(0n, 11n), of(14n, 15n), of(20n, 21n), of(21n, 30n)]).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(holdsNoRows({ kind: 'null' }, extent)).toBe(true);
    expect(holdsNoRows({ kind: 'all' }, { ...extent, empty: true })).toBe(false);
  });

  test.each<[DataType, string | undefined, Grain, string]>([
    [type.date, undefined, 'month', 'f.d'],
    [type.timestamp, undefined, 'month', "date_trunc('month', f.d)"],
    [type.integer, 'yyyyMMdd', 'month', '/(f.d, 100)'],
    [type.bigint, 'yyyyMMddHHmm', 'day', '/(f.d, 10000)'],
    [type.integer, 'yyyyMM', 'month', 'f.d'],
    [type.integer, 'yyyyMM', 'year', '/(f.d, 100)'],
    [type.text, 'yyyy-MM-dd HH:mm', 'week', 'substring(f.d, 1, 10)'],
    [type.text, 'yyyy-MM-dd', 'quarter', 'substring(f.d, 1, 7)'],
  ])('of a %j with format %s by %s are found by %s', (of, format, every, by) => {
    const partition = { column: column(of), grain: every, ...(format && { format }) };
    expect(printed(stretchGroups(partition, every).by)).toBe(by);
  });

  function printed(expr: Expr): string {
    if (expr.kind === 'literal') return of(expr.value);
    if (expr.kind !== 'call') return 'f.d';
    return `${expr.fn}(${expr.args.map(printed).join(', ')})`;
  }

  function of(value: Value): string {
    return typeof value === 'string' ? `'${value}'` : String(value);
  }
});

describe('mergesDue', () => {
  const months = (from: string, to: string, change: Partial<Segment> = {}): Segment[] =>
    segmentRanges('month', {
      empty: false,
      hasNulls: false,
      minimum: utc(from),
      maximum: utc(to),
    }).map(
      (range) =>
        ({
          id: rangeLabel(range),
          range,
          state: 'READY',
          layouts: [],
          snapshots: {},
          ...change,
        }) as unknown as Segment,
    );

  test('a full year wins over its quarters; a quarter that is not complete waits', () => {
    const merges = mergesDue(months('2000-10-01', '2002-05-01'), ['quarter', 'year']);
    expect(merges.map(({ id, segments }) => [id, segments.length])).toEqual([
      ['2000-q4', 3],
      ['2001', 12],
      ['2002-q1', 3],
    ]);
  });

  test('holes, other snapshots and what is not READY keep segments apart', () => {
    const all = months('2001-01-01', '2001-03-01');
    expect(mergesDue([all[0]!, all[2]!], ['quarter'])).toEqual([]);
    const newer = { ...all[1]!, snapshots: { l: 'v2' } };
    expect(mergesDue([all[0]!, newer, all[2]!], ['quarter'])).toEqual([]);
    const building = { ...all[1]!, state: 'BUILDING' as const };
    expect(mergesDue([all[0]!, building, all[2]!], ['quarter'])).toEqual([]);
  });

  test('what was merged is not due again, and merges again into something longer', () => {
    const merged = {
      ...months('2001-01-01', '2001-01-01')[0]!,
      id: '2001-q1',
      range: { kind: 'range' as const, start: utc('2001-01-01'), end: utc('2001-04-01') },
    };
    expect(mergesDue([merged], ['quarter'])).toEqual([]);
    const rest = months('2001-04-01', '2001-12-01');
    expect(mergesDue([...rest, merged], ['year'])[0]!.segments).toHaveLength(10);
  });

  test('any order of segments gives the same merges, and the merged ranges cover the same time', () => {
    const all = months('2000-03-01', '2003-08-01');
    fc.assert(
      fc.property(fc.shuffledSubarray(all), (some) => {
        const merges = mergesDue(some, ['quarter', 'year']);
        expect(
          mergesDue(
            some.toSorted((a, b) => compareRanges(a.range, b.range)),
            ['quarter', 'year'],
          ),
        ).toEqual(merges);
        for (const { range, segments } of merges) {
          const parts = segments.map((id) => some.find((s) => s.id === id)!.range) as {
            start: bigint;
            end: bigint;
          }[];
          const length = parts.reduce((sum, { start, end }) => sum + end - start, 0n);
          expect(length).toBe((range as { end: bigint }).end - (range as { start: bigint }).start);
        }
        const used = merges.flatMap(({ segments }) => segments);
        expect(new Set(used).size).toBe(used.length);
      }),
      { numRuns: 200, seed: 28 },
    );
  });
});

describe('retention', () => {
  test.each([
    ['10y', '2014-02-28'],
    ['18m', '2022-08-29'],
    ['6q', '2022-08-29'],
    ['8w', '2024-01-04'],
    ['90d', '2023-12-01'],
    ['24h', '2024-02-28'],
  ])('%s before 29 February 2024 is %s', (text, start) => {
    expect(retentionStart(parseRetention(text)!, utc('2024-02-29'))).toBe(utc(start));
  });

  test.each(['', '10', 'y', '0d', '-1d', '1.5y', '10 y', '10x'])(
    '%j is not a length of time',
    (text) => {
      expect(parseRetention(text)).toBeUndefined();
    },
  );

  test('drops what lies wholly before, never rows without a time', () => {
    const segment = (range: SegmentRange) => ({
      id: rangeLabel(range),
      range,
      state: 'READY' as const,
    });
    const extent = {
      empty: false,
      hasNulls: true,
      minimum: utc('2020-01-01'),
      maximum: utc('2023-06-01'),
    };
    const segments = segmentRanges('year', extent).map(segment);
    const expired = segmentsExpired(segments, parseRetention('2y'), utc('2023-07-01'));
    expect(expired.map(({ id }) => id)).toEqual(['2020']);
    expect(segmentsExpired(segments, undefined, utc('2100-01-01'))).toEqual([]);
  });
});
