import { isTesseraError } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalText, unscaledOf, untypedValueFromProto, valueFromProto } from './value.ts';

describe('decimalText', () => {
  test.each([
    [-1250n, 2, '-12.50'],
    [5n, 3, '0.005'],
    [-5n, 3, '-0.005'],
    [0n, 2, '0.00'],
    [12n, 0, '12'],
    [12n, -2, '1200'],
  ])('%s at scale %s is %s', (unscaled, scale, text) => {
    expect(decimalText(unscaled, scale)).toBe(text);
    expect(unscaledOf(text, scale)).toBe(unscaled);
  });

  test('every number comes back from its text', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -5, max: 40 }), (unscaled, scale) => {
        expect(unscaledOf(decimalText(unscaled, scale), scale)).toBe(unscaled);
      }),
    );
  });
});

describe('unscaledOf', () => {
  test.each(['', '-', '.5', '1e3', '1.2.3', '0x10', 'NaN', ' 1', '1.005'])(
    'refuses %j at scale 2',
    (text) => {
      expect(() => unscaledOf(text, 2)).toThrow(
        expect.toSatisfy((error) => isTesseraError(error, 'MALFORMED_MESSAGE')),
      );
    },
  );

  test('fills missing digits up and drops zeros that have no room', () => {
    expect(unscaledOf('1.5', 3)).toBe(1500n);
    expect(unscaledOf('1.500', 1)).toBe(15n);
  });
});

describe('a value from elsewhere', () => {
  test('is refused when it is not of the type it was sent for', () => {
    const text = { kind: { $case: 'textValue', value: '1' } } as const;
    expect(() => valueFromProto(text, { kind: 'integer' })).toThrow(
      expect.toSatisfy((error) => isTesseraError(error, 'MALFORMED_MESSAGE')),
    );
    expect(() => valueFromProto({ kind: undefined }, { kind: 'integer' })).toThrow(/absent/);
  });

  test.each([
    [{ $case: 'numericValue', value: '-1.50' }, { kind: 'numeric', scale: 2 }, -150n],
    [{ $case: 'integerValue', value: 7n }, { kind: 'integer' }, 7],
    [{ $case: 'integerValue', value: 2n ** 31n }, { kind: 'bigint' }, 2n ** 31n],
    [{ $case: 'textValue', value: '2001-01-01' }, { kind: 'unknown' }, '2001-01-01'],
    [{ $case: 'dateValue', value: 3 }, { kind: 'date' }, 3],
  ] as const)('says its own type when nobody else does: %o', (kind, type, value) => {
    expect(untypedValueFromProto({ kind })).toEqual({ type, value });
  });
});
