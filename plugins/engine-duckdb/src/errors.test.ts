import { describe, expect, test } from 'vitest';
import { failureOf, measureOverflow } from './errors.ts';

const context = {
  signal: new AbortController().signal,
  directory: '/data/work',
  memoryLimitBytes: 1000,
  readingSource: true,
};

describe('failureOf', () => {
  test.each([
    ['IO Error: Could not write file "x": No space left on device', 'BUILD_OUT_OF_DISK'],
    [
      "Out of Memory Error: failed to offload data block\nby the 'max_temp_directory_size' setting",
      'BUILD_OUT_OF_DISK',
    ],
    ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'BUILD_OUT_OF_MEMORY'],
    ['INTERRUPT Error: Interrupted!', 'BUILD_CANCELLED'],
    ["Invalid Input Error: No magic bytes found at end of file 'f.parquet'", 'SOURCE_CHANGED'],
    ['IO Error: No files found that match the pattern "f.csv"', 'SOURCE_CHANGED'],
    ['Out of Range Error: Overflow in multiplication of INT64', 'MEASURE_OVERFLOW'],
    ['Binder Error: no such column', 'BUILD_FAILED'],
  ])('%s is %s', (message, reason) => {
    expect(failureOf(new Error(message), context)).toMatchObject({ reason });
  });

  test('calls an unreadable file a failed build when it is not the source that is read', () => {
    const error = new Error('IO Error: No files found that match the pattern "f.csv"');
    expect(failureOf(error, { ...context, readingSource: false })).toMatchObject({
      reason: 'BUILD_FAILED',
    });
  });

  test('says what a measure can be that overflows although it is numeric', () => {
    const overflow = new Error('Out of Range Error: Overflow in SUM of DECIMAL(38, 8)');
    expect(failureOf(overflow, context)).toMatchObject({
      message: expect.stringMatching(/fewer digits after the point.*double/),
    });
  });

  test('leaves failures that have a reason as they are', () => {
    const error = measureOverflow(new Error('x'));
    expect(failureOf(error, context)).toBe(error);
  });
});
