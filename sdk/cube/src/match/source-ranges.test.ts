import { describe, expect, it } from 'vitest';
import type { SegmentRange } from '../segment.ts';
import { micros, months, statementOf, stateOf } from './fixture.ts';
import { matchStatement } from './match-statement.ts';
import { formatSourceRanges } from './source-ranges.ts';

/** Of a query on all flights, of which these ranges are built. */
function lines(ranges: readonly SegmentRange[], extent: 'known' | 'unknown'): readonly string[] {
  const state = stateOf({ ranges });
  const { sourceExtent, ...cube } = state.cubes[0]!;
  const cubes = [extent === 'known' ? { ...cube, ...(sourceExtent && { sourceExtent }) } : cube];
  const matched = matchStatement(
    statementOf('select carrier, count(*) from flights group by 1'),
    [{ ...state, cubes }],
    { cuboids: 'auto' },
  );
  return formatSourceRanges(matched.blocks.map(({ coverage }) => coverage));
}

describe('the ranges that EXPLAIN CUBOID names', () => {
  it('are those that no segment covers, by the names of segments', () => {
    const [january, , march] = months(2001, 1, 3);
    const ranges = [january!, march!];
    expect(lines(ranges, 'known')).toEqual(['Ranges of flights from the source: 2001-02']);
  });

  it('have no end where the source does not tell its extent', () => {
    const [line] = lines(months(2001, 1, 3), 'unknown');
    expect(line).toBe(
      'Ranges of flights from the source: before 2001-01-01, from 2001-04-01 on, null',
    );
  });

  it('are counted where they are many', () => {
    const ranges = Array.from({ length: 30 }, (_, i) => ({
      kind: 'range' as const,
      start: micros(1971 + 2 * i, 1),
      end: micros(1972 + 2 * i, 1),
    }));
    const [line] = lines(ranges, 'unknown');
    expect(line).toMatch(/: before 1971-01-01, 1972, 1974, .*, 2008 and \d+ more$/);
  });

  it('are none where cuboids have all', () => {
    expect(lines(months(2001, 1, 3), 'known')).toEqual([]);
  });
});
