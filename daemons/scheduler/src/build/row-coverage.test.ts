import { describe, expect, test } from 'vitest';
import { RowCoverage } from './row-coverage.ts';

const pass = (rows: Record<string, bigint>, rejectedRows = 0n) => ({
  sourceRows: rows,
  rejectedRows,
});

function judged(sourceRows: bigint | undefined, ...passes: ReturnType<typeof pass>[]): string {
  const coverage = new RowCoverage(sourceRows, passes.length);
  try {
    for (const each of passes) coverage.add(each);
    return 'passed';
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

describe('a build of everything', () => {
  test('passes when each row is in a segment of some pass', () => {
    expect(judged(6n, pass({ a: 1n, b: 2n }), pass({ c: 3n }))).toBe('passed');
    expect(judged(0n, pass({}))).toBe('passed');
  });

  test('fails when rows are in no segment or in several', () => {
    expect(judged(7n, pass({ a: 1n, b: 2n }), pass({ c: 3n }))).toBe('ROWS_NOT_COVERED');
    expect(judged(5n, pass({ a: 1n, b: 2n }), pass({ c: 3n }))).toBe('ROWS_NOT_COVERED');
  });

  test('is not judged where the number of rows is not certain', () => {
    expect(judged(undefined, pass({ a: 1n }))).toBe('passed');
    expect(judged(7n, pass({ a: 1n }, 1n), pass({ b: 1n }))).toBe('passed');
  });
});
