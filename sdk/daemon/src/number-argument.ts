import { Code, TesseraError } from '@tessera/base';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The whole number that an option of a command gives; `undefined` where it was left out.
 * @throws BAD_NUMBER_ARGUMENT for anything else, and beyond the range.
 */
export function numberArgument(
  option: string,
  text: string | undefined,
  { min, max }: NumberRange,
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_NUMBER_ARGUMENT',
    message: `--${option} is ${JSON.stringify(text)}: give a whole number from ${min} to ${max}.`,
    metadata: { option, text, min: String(min), max: String(max) },
  });
}
