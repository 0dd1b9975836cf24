import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  batchFromRows,
  type ColumnBatch,
  concatBatches,
  type DataType,
  decodeArrow,
  emptyBatch,
  encodeArrow,
  formatValue,
  parseValue,
  rowsOf,
  type Schema,
  type Value,
} from './index.ts';

const numeric = (precision?: number, scale?: number): DataType => ({
  kind: 'numeric',
  ...(precision === undefined ? {} : { precision }),
  ...(scale === undefined ? {} : { scale }),
});
const int64 = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
const micros = fc.bigInt({ min: -210_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });

/** A value generator per type; text has astral characters, floats have NaN and both zeros. */
const generators: readonly (readonly [DataType, fc.Arbitrary<NonNullable<Value>>])[] = [
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'smallint' }, fc.integer({ min: -32768, max: 32767 })],
  [{ kind: 'integer' }, fc.integer()],
  [{ kind: 'bigint' }, int64],
  [{ kind: 'real' }, fc.float()],
  [{ kind: 'double' }, fc.double()],
  [{ kind: 'text' }, fc.string({ unit: 'grapheme' })],
  [{ kind: 'bytes' }, fc.uint8Array()],
  [{ kind: 'date' }, fc.integer({ min: -2_440_000, max: 2_000_000_000 })],
  [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  [{ kind: 'timestamp' }, micros],
  [{ kind: 'timestamptz' }, micros],
  [
    { kind: 'interval' },
    fc.record({
      months: fc.integer({ min: -9999, max: 9999 }),
      days: fc.integer({ min: -9999, max: 9999 }),
      micros: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    }),
  ],
  [numeric(), fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
  [numeric(undefined, 2), fc.bigInt({ min: -(10n ** 75n), max: 10n ** 75n })],
  [numeric(18, 4), fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })],
];

const batches: fc.Arbitrary<ColumnBatch> = fc
  .array(fc.constantFrom(...generators), { minLength: 1, maxLength: 6 })
  .chain((columns) => {
    const schema: Schema = columns.map(([type], i) => ({ name: `c${i}`, type, nullable: true }));
    const row = fc.tuple(...columns.map(([, values]) => fc.option(values, { freq: 4 })));
    return fc.array(row, { maxLength: 40 }).map((rows) => batchFromRows(schema, rows));
  });

describe('Arrow', () => {
  test('what is encoded decodes to the same rows and schema', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const read = decodeArrow(encodeArrow(batch));
        expect(read.schema).toEqual(batch.schema);
        expect(rowsOf(read)).toEqual(rowsOf(batch));
      }),
    );
  });

  test('the Arrow library reads the same rows', () => {
    const schema: Schema = [
      { name: 'state', type: { kind: 'text' }, nullable: true },
      { name: 'day', type: { kind: 'date' }, nullable: false },
      { name: 'count', type: { kind: 'bigint' }, nullable: false },
      { name: 'late', type: { kind: 'boolean' }, nullable: true },
      { name: 'sum', type: numeric(38, 2), nullable: true },
    ];
    const rows: Value[][] = [
      ['Zürich', 10_957, 3n, true, 12_345n],
      [null, 10_958, -4n, null, null],
      ['😀', 0, 0n, false, -1n],
    ];
    const table = tableFromIPC(encodeArrow(batchFromRows(schema, rows)));
    expect(table.schema.fields.map((field) => String(field.type))).toEqual([
      'Utf8',
      'Date32<DAY>',
      'Int64',
      'Bool',
      'Decimal[38e+2]',
    ]);
    const column = (name: string) => Array.from(table.getChild(name)!);
    expect(column('state')).toEqual(['Zürich', null, '😀']);
    expect(column('count')).toEqual([3n, -4n, 0n]);
    expect(column('late')).toEqual([true, null, false]);
    expect(column('day').map(Number)).toEqual([10_957, 10_958, 0].map((day) => day * 86_400_000));
    expect(table.getChild('sum')!.nullCount).toBe(1);
  });

  test('a stream that is cut off anywhere is refused, never read as fewer rows', () => {
    const schema: Schema = [{ name: 't', type: { kind: 'text' }, nullable: true }];
    const whole = encodeArrow(batchFromRows(schema, [['abc'], [null], ['de']]));
    for (let length = 0; length < whole.length - 8; length++) {
      const read = () => decodeArrow(whole.subarray(0, length));
      const outcome = (() => {
        try {
          return rowsOf(read()).length;
        } catch (error) {
          return (error as { reason?: string }).reason;
        }
      })();
      // Between the messages the stream is whole, just without its batch.
      expect(['ARROW_UNREADABLE', 0]).toContain(outcome);
    }
  });

  test('a batch without rows keeps its schema', () => {
    const schema: Schema = [{ name: 'n', type: numeric(), nullable: true }];
    const read = decodeArrow(encodeArrow(emptyBatch(schema)));
    expect(read).toEqual(emptyBatch(schema));
    expect(concatBatches(schema, [read, read]).rowCount).toBe(0);
  });
});

describe('formatValue and parseValue', () => {
  test('every text reads back as the same value', () => {
    for (const [type, values] of generators) {
      if (type.kind === 'numeric' && type.precision === undefined && type.scale === 2) continue;
      fc.assert(
        fc.property(values, (value) => {
          const read = parseValue(type, formatValue(type, value));
          if (typeof value === 'number' && Object.is(value, -0))
            expect(Object.is(read, -0)).toBe(true);
          else expect(read).toEqual(value);
        }),
      );
    }
  });

  test.each<readonly [DataType, NonNullable<Value>, string]>([
    [{ kind: 'boolean' }, true, 't'],
    [{ kind: 'double' }, 1e15, '1e+15'],
    [{ kind: 'double' }, 123456789012345, '123456789012345'],
    [{ kind: 'double' }, 0.0001, '0.0001'],
    [{ kind: 'double' }, 0.00001, '1e-05'],
    [{ kind: 'double' }, -1.5, '-1.5'],
    [{ kind: 'double' }, 9007199254740991, '9.007199254740991e+15'],
    [{ kind: 'real' }, Math.fround(0.1), '0.1'],
    [{ kind: 'real' }, Math.fround(1234567), '1.234567e+06'],
    [numeric(10, 2), -5n, '-0.05'],
    [numeric(), 250_000_000_000_000_000_000n, '2.5'],
    [numeric(), 10n ** 22n, '100'],
    [{ kind: 'date' }, 0, '1970-01-01'],
    [{ kind: 'date' }, -719_163, '0001-12-31 BC'],
    [{ kind: 'date' }, 2_932_897, '10000-01-01'],
    [{ kind: 'date' }, 2_147_483_647, 'infinity'],
    [{ kind: 'timestamp' }, -1n, '1969-12-31 23:59:59.999999'],
    [{ kind: 'timestamptz' }, 1_000_000n, '1970-01-01 00:00:01+00'],
    [{ kind: 'time' }, 45_296_500_000n, '12:34:56.5'],
    [
      { kind: 'interval' },
      { months: 14, days: -3, micros: 3_600_000_000n },
      '1 year 2 mons -3 days +01:00:00',
    ],
    [{ kind: 'interval' }, { months: 0, days: 0, micros: 0n }, '00:00:00'],
    [{ kind: 'bytes' }, new Uint8Array([0, 255]), '\\x00ff'],
  ])('%o %s is %s, as in PostgreSQL', (type, value, text) => {
    expect(formatValue(type, value)).toBe(text);
  });

  test.each<readonly [DataType, string, string]>([
    [{ kind: 'integer' }, '2147483648', 'NUMERIC_OUT_OF_RANGE'],
    [{ kind: 'integer' }, '1.5', 'INVALID_TEXT_REPRESENTATION'],
    [{ kind: 'date' }, '2023-02-29', 'INVALID_TEXT_REPRESENTATION'],
    [{ kind: 'date' }, '0000-01-01', 'INVALID_TEXT_REPRESENTATION'],
    [numeric(4, 2), '100', 'NUMERIC_OUT_OF_RANGE'],
    [{ kind: 'double' }, '1e999', 'NUMERIC_OUT_OF_RANGE'],
    [{ kind: 'bytes' }, '\\x0', 'INVALID_TEXT_REPRESENTATION'],
    [{ kind: 'interval' }, '3 fortnights', 'INVALID_TEXT_REPRESENTATION'],
  ])('%o refuses %s', (type, text, reason) => {
    expect(() => parseValue(type, text)).toThrow(expect.objectContaining({ reason }));
  });

  test('a numeric is rounded half away from zero to its scale', () => {
    expect(parseValue(numeric(10, 1), '-0.25')).toBe(-3n);
    expect(parseValue(numeric(10, 1), '1.5e1')).toBe(150n);
  });
});
