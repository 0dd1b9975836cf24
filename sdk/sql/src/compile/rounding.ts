import { heldScale, type Value } from '@tessera/columnar';
import type { CallExpr } from '../expression.ts';
import { powerOfTen, rescale } from './decimal.ts';
import { notCompiled } from './not-compiled.ts';
import { type Compiler, type Evaluate, isExact } from './operand.ts';

/** round, trunc, floor, ceil and sign of exact numbers, and those of floats that are beyond doubt. */
export function compileRounding(expr: CallExpr, compiler: Compiler): Evaluate {
  const [arg, digits] = expr.args;
  const evaluate = compiler.compile(arg!);
  const apply = isExact(arg!.type)
    ? exactRounding(expr, heldScale(arg!.type), digitsOf(digits))
    : floatRounding(expr);
  return (frame, row) => {
    const value = evaluate(frame, row);
    return value === null ? null : apply(value as never);
  };
}

function digitsOf(digits: CallExpr['args'][number] | undefined): number {
  if (digits === undefined) return 0;
  const value = digits.kind === 'literal' ? digits.value : undefined;
  return typeof value === 'number' && value >= 0
    ? value
    : notCompiled('rounding to no fixed place');
}

function exactRounding(
  { fn, type }: CallExpr,
  held: number,
  digits: number,
): (value: number | bigint) => Value {
  if (type.kind !== 'numeric') return notCompiled(`${fn} that gives ${type.kind}`);
  const scale = heldScale(type);
  const places = Math.min(digits, held);
  const unit = powerOfTen(held - places);
  const cut = cutters[fn] ?? notCompiled(fn);
  if (fn === 'sign') {
    return (value) => {
      const sign = BigInt(value) === 0n ? 0n : BigInt(value) < 0n ? -1n : 1n;
      return rescale(sign, 0, scale);
    };
  }
  return (value) => rescale(cut(BigInt(value), unit, held, places), places, scale);
}

type Cut = (value: bigint, unit: bigint, held: number, places: number) => bigint;

/** `value` over `unit` as a whole number: the digits after the places that are kept go. */
const cutters: Readonly<Record<string, Cut>> = {
  round: (value, _, held, places) => rescale(value, held, places),
  trunc: (value, unit) => value / unit,
  floor: (value, unit) => {
    const whole = value / unit;
    return value < 0n && whole * unit !== value ? whole - 1n : whole;
  },
  ceil: (value, unit) => {
    const whole = value / unit;
    return value > 0n && whole * unit !== value ? whole + 1n : whole;
  },
  sign: (value) => value,
};

function floatRounding({ fn, type, args }: CallExpr): (value: number) => Value {
  if (type.kind !== 'double' || args.length > 1) return notCompiled(`${fn} of ${type.kind}`);
  const apply = floatFunctions[fn];
  return apply ?? notCompiled(`${fn} of floats`);
}

const floatFunctions: Readonly<Record<string, (value: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
};
