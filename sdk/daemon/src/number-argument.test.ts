import { isTesseraError } from '@tessera/base';
import { expect, test } from 'vitest';
import { numberArgument } from './number-argument.ts';

const range = { min: 1, max: 60 };

test.each([
  [undefined, undefined],
  ['1', 1],
  ['60', 60],
])('an option of %j is %j', (text, number) => {
  expect(numberArgument('interval', text, range)).toBe(number);
});

test.each(['', ' ', '0', '61', '-1', '1.5', '1e1', '0x10', 'ten', 'NaN'])(
  'an option of %j is refused by its name',
  (text) => {
    let failure: unknown;
    try {
      numberArgument('interval', text, range);
    } catch (error) {
      failure = error;
    }
    expect(isTesseraError(failure, 'BAD_NUMBER_ARGUMENT')).toBe(true);
    expect((failure as Error).message).toContain('--interval');
  },
);
