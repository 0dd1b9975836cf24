import { type DataType, formatScaled, heldScale, outOfRange, type Value } from '@tessera/columnar';
import { fitsPrecision, rescale } from './decimal.ts';
import { notCompiled } from './not-compiled.ts';

type Convert = (value: Exclude<Value, null>) => Value;

const integerBounds: Readonly<Record<string, readonly [bigint, bigint]>> = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
};
const dayMicros = 86_400_000_000n;

/** Integers, numerics, floats among each other and to text where the text is beyond doubt; dates and timestamps. */
export function compileCast(from: DataType, to: DataType): Convert {
  if (from.kind === 'unknown') return notCompiled('cast of unknown');
  if (isExactKind(from) && to.kind in integerBounds) return exactToInteger(from, to);
  if (isExactKind(from) && to.kind === 'numeric') return exactToNumeric(from, to);
  if (isIntegerKind(from) && isFloatKind(to)) return integerToFloat(from, to);
  if (from.kind === 'numeric' && to.kind === 'double') {
    const scale = heldScale(from);
    return (value) => Number(formatScaled(value as bigint, scale));
  }
  if (isFloatKind(from) && isFloatKind(to)) return to.kind === 'real' ? toReal : same;
  if (isFloatKind(from) && to.kind in integerBounds) return floatToInteger(to);
  if (isIntegerKind(from) && to.kind === 'text') return (value) => String(value);
  if (from.kind === 'boolean' && to.kind === 'text') return (value) => String(value);
  if (from.kind === 'boolean' && to.kind === 'integer') return (value) => Number(value);
  if (from.kind === 'date' && to.kind === 'timestamp') {
    return (value) => BigInt(value as number) * dayMicros;
  }
  if (from.kind === 'timestamp' && to.kind === 'date') return (value) => dayOf(value as bigint);
  return notCompiled(`cast of ${from.kind} to ${to.kind}`);
}

/** The day that holds an instant, counted from 1970-01-01. */
export function dayOf(micros: bigint): number {
  const day = micros / dayMicros;
  return Number(micros < 0n && day * dayMicros !== micros ? day - 1n : day);
}

const same: Convert = (value) => value;

const toReal: Convert = (value) => {
  const real = Math.fround(value as number);
  if (!Number.isFinite(real) && Number.isFinite(value as number))
    throw outOfRange({ kind: 'real' });
  if (real === 0 && value !== 0) throw outOfRange({ kind: 'real' });
  return real;
};

function isIntegerKind(type: DataType): boolean {
  return type.kind in integerBounds;
}

function isExactKind(type: DataType): boolean {
  return type.kind === 'numeric' || isIntegerKind(type);
}

function isFloatKind(type: DataType): boolean {
  return type.kind === 'real' || type.kind === 'double';
}

function exactToInteger(from: DataType, to: DataType): Convert {
  const scale = heldScale(from);
  return (value) => integerOf(rescale(BigInt(value as number | bigint), scale, 0), to);
}

/** A whole number in the form of an integer type. @throws NUMERIC_OUT_OF_RANGE */
export function integerOf(value: bigint, type: DataType): number | bigint {
  const bounds = integerBounds[type.kind]!;
  if (value < bounds[0] || value > bounds[1]) throw outOfRange(type);
  return type.kind === 'bigint' ? value : Number(value);
}

function exactToNumeric(from: DataType, to: DataType): Convert {
  const fromScale = heldScale(from);
  const toScale = heldScale(to);
  return (value) => {
    const result = rescale(BigInt(value as number | bigint), fromScale, toScale);
    if (!fitsPrecision(result, to)) throw outOfRange({ kind: 'numeric' });
    return result;
  };
}

function integerToFloat(from: DataType, to: DataType): Convert {
  if (from.kind === 'bigint' && to.kind === 'real') return notCompiled('bigint to real');
  return to.kind === 'real'
    ? (value) => Math.fround(Number(value))
    : (value) => Number(value as number | bigint);
}

/** Rounds half to even, as PostgreSQL does for floats. */
function floatToInteger(to: DataType): Convert {
  return (value) => {
    const float = value as number;
    if (!Number.isFinite(float)) throw outOfRange(to);
    return integerOf(BigInt(roundHalfEven(float)), to);
  };
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
