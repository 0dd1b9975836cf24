import { isTesseraError } from '@tessera/base';
import { expect, test } from 'vitest';
import { positiveNumber, readText, wholeNumber } from './arguments.ts';
import { exitCodeOf } from './failure.ts';

function failureOf(action: () => unknown) {
  try {
    return { result: action() };
  } catch (error) {
    if (!isTesseraError(error)) throw error;
    return { reason: error.reason, message: error.message, exitCode: exitCodeOf(error) };
  }
}

test.for(['', 'abc', '1.5', '1e3', '0x10', ' 7', '-1', '65536', '9007199254740993', 'Infinity'])(
  'the port %o is refused with the name of its flag',
  (text) => {
    const refused = failureOf(() => wholeNumber(text, '--port', { min: 0, max: 65_535 }));
    expect(refused).toEqual({
      reason: 'BAD_NUMBER',
      message: `--port is ${JSON.stringify(text)}: give a whole number, 0 to 65535.`,
      exitCode: 2,
    });
  },
);

test('whole numbers are read up to their bounds', () => {
  expect(wholeNumber('0', '--port', { min: 0, max: 65_535 })).toBe(0);
  expect(wholeNumber('65535', '--port', { min: 0, max: 65_535 })).toBe(65_535);
  expect(wholeNumber('9007199254740991', '--max-rows', { min: 1 })).toBe(Number.MAX_SAFE_INTEGER);
});

test.for(['', 'abc', '0', '-2', '.', '1,5', 'NaN', '1e400'])(
  'a timeout of %o is refused',
  (text) => {
    expect(failureOf(() => positiveNumber(text, '--timeout'))).toMatchObject({
      reason: 'BAD_NUMBER',
      message: expect.stringContaining('--timeout'),
      exitCode: 2,
    });
  },
);

test('a timeout may have a fraction', () => {
  expect(['2', '0.5', '.25', '3.'].map((text) => positiveNumber(text, '--timeout'))).toEqual([
    2, 0.5, 0.25, 3,
  ]);
});

test('a file that is not there is wrong input that names the file', () => {
  expect(failureOf(() => readText('no/such.sql'))).toMatchObject({
    reason: 'FILE_UNREADABLE',
    message: expect.stringContaining('no/such.sql'),
    exitCode: 2,
  });
});
