import type { DataType } from '@tessera/columnar';

/** Exact decimal arithmetic over unscaled bigints, with PostgreSQL's rounding (half away from zero). */

const powers: bigint[] = [1n];

export function powerOfTen(exponent: number): bigint {
  for (let i = powers.length; i <= exponent; i++) powers.push(powers[i - 1]! * 10n);
  return powers[exponent]!;
}

/** `value` with `from` digits after the point, held with `to`; rounds half away from zero. */
export function rescale(value: bigint, from: number, to: number): bigint {
  if (from === to) return value;
  if (to > from) return value * powerOfTen(to - from);
  return divideRounded(value, powerOfTen(from - to));
}

/** Quotient rounded half away from zero. */
export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend - quotient * divisor;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  if (twice < (divisor < 0n ? -divisor : divisor)) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** Digits that a numeric may have in all when its type does not say: what Arrow and DuckDB hold. */
const maxPrecision = 38;

/** False: the value overflows its type. */
export function fitsPrecision(value: bigint, type: DataType): boolean {
  if (type.kind !== 'numeric') return true;
  const limit = powerOfTen(type.precision ?? maxPrecision);
  return value < limit && value > -limit;
}
