import type { Value } from './column-batch.ts';
import { type DataType, heldScale } from './data-type.ts';
import { outOfRange } from './errors.ts';

type Convert = (value: number | bigint) => NonNullable<Value>;

/**
 * How a scaled integer becomes a value of another numeric type: exactly, or with PostgreSQL's rounding (half
 * away from zero) where the wanted scale is smaller.
 *
 * The function throws NUMERIC_OUT_OF_RANGE for what the wanted type cannot hold.
 */
export function rescale(wanted: DataType, scale: number): Convert {
  switch (wanted.kind) {
    case 'boolean':
      return (value) => Number(value !== 0 && value !== 0n) as never;
    case 'smallint':
    case 'integer':
      return narrowed(wanted, wanted.kind === 'smallint' ? 16 : 32, scale);
    case 'bigint':
      return widened(wanted, scale);
    case 'numeric':
      return numericOf(scale, heldScale(wanted));
    case 'real':
    case 'double':
      return (value) => Number(value) / 10 ** scale;
    case 'text':
      return (value) => String(value);
    default:
      return (value) => value;
  }
}

function narrowed(type: DataType, bits: number, scale: number): Convert {
  const convert = numericOf(scale, 0);
  const limit = 2 ** (bits - 1);
  return (value) => {
    const integer = scale === 0 ? Number(value) : Number(convert(value));
    if (integer < -limit || integer >= limit) throw outOfRange(type);
    return integer;
  };
}

function widened(type: DataType, scale: number): Convert {
  const convert = numericOf(scale, 0);
  return (value) => {
    const integer = convert(value) as bigint;
    if (BigInt.asIntN(64, integer) !== integer) throw outOfRange(type);
    return integer;
  };
}

function numericOf(from: number, to: number): Convert {
  if (from === to) return (value) => BigInt(value);
  if (from < to) {
    const factor = 10n ** BigInt(to - from);
    return (value) => BigInt(value) * factor;
  }
  const divisor = 10n ** BigInt(from - to);
  return (value) => {
    const unscaled = BigInt(value);
    const half = unscaled < 0n ? -divisor / 2n : divisor / 2n;
    return (unscaled + half) / divisor;
  };
}
