import { describe, expect, test } from 'vitest';
import { inferType } from './infer-type.ts';

describe('inferType', () => {
  test.each([
    { values: ['1', '-2', null], type: 'integer', why: 'small whole numbers' },
    { values: ['1', '3000000000'], type: 'bigint', why: 'one is beyond 32 bits' },
    { values: ['-2147483648'], type: 'integer', why: 'the smallest 32-bit number' },
    { values: ['9223372036854775808'], type: 'numeric', why: 'one is beyond 64 bits' },
    { values: ['1', '2.5'], type: 'double', why: 'one has a fraction' },
    { values: ['1e3', '.5'], type: 'double', why: 'exponents and bare fractions' },
    { values: ['00501', '10001'], type: 'text', why: 'a leading zero would be lost' },
    { values: ['1_000'], type: 'text', why: 'an underscore is no digit' },
    { values: ['true', 'FALSE'], type: 'boolean', why: 'both words' },
    { values: ['t', 'f'], type: 'text', why: 'letters may mean anything' },
    { values: ['2024-02-29'], type: 'date', why: 'a leap day' },
    { values: ['2023-02-29'], type: 'text', why: 'no such day' },
    { values: ['2024-01-01 10:00', '2024-01-01T10:00:00.123456'], type: 'timestamp', why: 'both' },
    { values: ['2024-01-01 25:00:00'], type: 'text', why: 'no such hour' },
    {
      values: ['2024-01-01T10:00:00Z', '2024-01-01 10:00:00+02'],
      type: 'timestamptz',
      why: 'zones',
    },
    { values: ['10:00:00'], type: 'time', why: 'a time of day' },
    { values: ['2024-01-01', 'x'], type: 'text', why: 'one is no date' },
    { values: [null, null], type: 'text', why: 'nothing was seen' },
    { values: [''], type: 'text', why: 'an empty text is a text' },
  ])('$values is $type: $why', ({ values, type }) => {
    expect(inferType(values, true).type.kind).toBe(type);
  });

  test('leaves room for larger numbers when the sample is not everything', () => {
    expect(inferType(['1'], false).type.kind).toBe('bigint');
  });

  test('names the value that made a column of numbers a text', () => {
    expect(inferType(['1', '2', 'N/A'], true).why).toContain("'N/A' (row 3 of the sample)");
  });
});
