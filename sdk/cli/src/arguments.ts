import { readFileSync } from 'node:fs';
import { Code, TesseraError } from '@tessera/base';

export interface NumberRange {
  /** Inclusive. */
  readonly min: number;
  /** Inclusive. */
  readonly max?: number;
}

/** A whole number given on the command line. `name` is the flag or argument. @throws BAD_NUMBER */
export function wholeNumber(text: string, name: string, { min, max }: NumberRange): number {
  const value = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= (max ?? Number.MAX_SAFE_INTEGER)) return value;
  const range = max === undefined ? `${min} or more` : `${min} to ${max}`;
  throw badNumber(text, name, `a whole number, ${range}`);
}

/** A number above zero given on the command line, such as 2.5. @throws BAD_NUMBER */
export function positiveNumber(text: string, name: string): number {
  const value = /^\+?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw badNumber(text, name, 'a number above 0');
}

/** The text of a file that a user names. @throws FILE_UNREADABLE */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'FILE_UNREADABLE',
      message: `${file} cannot be read: does it exist, and may you read it?`,
      metadata: { file },
      cause,
    });
  }
}

function badNumber(text: string, name: string, wanted: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_NUMBER',
    message: `${name} is ${JSON.stringify(text)}: give ${wanted}.`,
    metadata: { name, text },
  });
}
