import { memoryInvalid } from '../errors.ts';

/** A part of a whole, within bounds in bytes. */
export interface RangeFraction {
  readonly fraction: number;
  readonly min: number;
  readonly max: number;
}

/** No bound. */
export const unbounded = Number.MAX_SAFE_INTEGER;

/** The part of the whole, raised or lowered to its bounds. `key` names it in errors. */
export function partOf(whole: number, { fraction, min, max }: RangeFraction, key: string): number {
  if (!(fraction >= 0 && fraction < 1)) {
    throw memoryInvalid(`${key}.fraction`, `is ${fraction}, not from 0 to below 1`);
  }
  if (min > max) throw memoryInvalid(`${key}.min`, `is more than ${key}.max`);
  return Math.min(max, Math.max(min, multiplied(whole, fraction)));
}

/**
 * As Flink multiplies sizes: the fraction is a 32-bit float, its decimal digits are taken as exact, and what is below one byte is cut off. So 0.4 is 0.4000000059604645, which
 * shows in the last digits of gigabytes.
 */
function multiplied(bytes: number, fraction: number): number {
  const [mantissa, exponent = '0'] = String(Math.fround(fraction)).split('e');
  const [whole, decimals = ''] = mantissa!.split('.');
  const scale = decimals.length - Number(exponent);
  return Number((BigInt(bytes) * BigInt(whole! + decimals)) / 10n ** BigInt(scale));
}

/** Sizes are whole numbers of bytes that a double holds exactly. */
export function checkBytes(key: string, bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw memoryInvalid(key, `is ${bytes}, not a number of bytes`);
  }
  return bytes;
}
