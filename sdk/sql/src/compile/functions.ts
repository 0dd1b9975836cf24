import {
  type DataType,
  heldScale,
  outOfRange,
  unconstrainedScale,
  type Value,
} from '@tessera/columnar';
import { divisionByZero } from '../errors.ts';
import type { CallExpr, Expr } from '../expression.ts';
import { integerOf } from './cast.ts';
import { divideRounded, fitsPrecision, powerOfTen, rescale } from './decimal.ts';
import { notCompiled } from './not-compiled.ts';
import {
  type Compiler,
  comparable,
  compareOf,
  compileAs,
  compileExact,
  type Evaluate,
  isExact,
  isFloat,
  isInteger,
} from './operand.ts';
import { compileRounding } from './rounding.ts';

type Build = (expr: CallExpr, compiler: Compiler) => Evaluate;

const functions: Readonly<Record<string, Build>> = {
  '+': (expr, compiler) => arithmetic(expr, compiler),
  '-': (expr, compiler) => arithmetic(expr, compiler),
  negate,
  '*': (expr, compiler) => arithmetic(expr, compiler),
  '/': (expr, compiler) => arithmetic(expr, compiler),
  '%': (expr, compiler) => arithmetic(expr, compiler),
  abs: absolute,
  not: (expr, compiler) => {
    const arg = compiler.compile(expr.args[0]!);
    return (frame, row) => {
      const value = arg(frame, row);
      return value === null ? null : value !== true;
    };
  },
  is_distinct: (expr, compiler) => {
    const [left, right, compare] = comparable(expr.args[0]!, expr.args[1]!, compiler);
    return (frame, row) => {
      const a = left(frame, row);
      const b = right(frame, row);
      if (a === null || b === null) return a !== b;
      return compare(a, b) !== 0;
    };
  },
  is_null: (expr, compiler) => {
    const arg = compiler.compile(expr.args[0]!);
    return (frame, row) => arg(frame, row) === null;
  },
  is_true: (expr, compiler) => {
    const arg = compiler.compile(expr.args[0]!);
    return (frame, row) => arg(frame, row) === true;
  },
  is_false: (expr, compiler) => {
    const arg = compiler.compile(expr.args[0]!);
    return (frame, row) => arg(frame, row) === false;
  },
  coalesce: (expr, compiler) => {
    const args = expr.args.map((arg) => compileAs(arg, expr.type, compiler));
    return (frame, row) => {
      for (const arg of args) {
        const value = arg(frame, row);
        if (value !== null) return value;
      }
      return null;
    };
  },
  nullif: (expr, compiler) => {
    const value = compileAs(expr.args[0]!, expr.type, compiler);
    const [left, right, compare] = comparable(expr.args[0]!, expr.args[1]!, compiler);
    return (frame, row) => {
      const a = left(frame, row);
      const b = right(frame, row);
      return a !== null && b !== null && compare(a, b) === 0 ? null : value(frame, row);
    };
  },
  round: compileRounding,
  trunc: compileRounding,
  floor: compileRounding,
  ceil: compileRounding,
  sign: compileRounding,
  greatest: (expr, compiler) => extreme(expr, compiler, 1),
  least: (expr, compiler) => extreme(expr, compiler, -1),
};

/** Operators and functions by canonical name; the others are left to DuckDB. */
export function compileFunction(expr: CallExpr, compiler: Compiler): Evaluate {
  const build = Object.hasOwn(functions, expr.fn) ? functions[expr.fn] : undefined;
  return build === undefined ? notCompiled(`function ${expr.fn}`) : build(expr, compiler);
}

function extreme(expr: CallExpr, compiler: Compiler, sign: 1 | -1): Evaluate {
  const args = expr.args.map((arg) => compileAs(arg, expr.type, compiler));
  const compare = compareOf(expr.type.kind);
  return (frame, row) => {
    let best: Value = null;
    for (const arg of args) {
      const value = arg(frame, row);
      if (value !== null && (best === null || compare(value, best) * sign > 0)) best = value;
    }
    return best;
  };
}

function arithmetic(expr: CallExpr, compiler: Compiler): Evaluate {
  const [left, right] = expr.args as [Expr, Expr];
  if (isInteger(expr.type)) return integerArithmetic(expr, left, right, compiler);
  if (expr.type.kind === 'numeric') return numericArithmetic(expr, left, right, compiler);
  if (isFloat(expr.type)) return floatArithmetic(expr, left, right, compiler);
  return notCompiled(`${expr.fn} of ${left.type.kind} and ${right.type.kind}`);
}

function both(
  left: Evaluate,
  right: Evaluate,
  combine: (a: Exclude<Value, null>, b: Exclude<Value, null>) => Value,
): Evaluate {
  return (frame, row) => {
    const a = left(frame, row);
    if (a === null) return null;
    const b = right(frame, row);
    return b === null ? null : combine(a, b);
  };
}

const wholeNumbers: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / nonZero(b),
  '%': (a, b) => a % nonZero(b),
};

/** Quotients are truncated towards zero; a remainder has the sign of the dividend. */
function integerArithmetic(expr: CallExpr, left: Expr, right: Expr, compiler: Compiler): Evaluate {
  if (!isInteger(left.type) || !isInteger(right.type)) notCompiled('integer of other types');
  const combine = wholeNumbers[expr.fn]!;
  const { type } = expr;
  return both(compileExact(left, 0, compiler), compileExact(right, 0, compiler), (a, b) =>
    integerOf(combine(a as bigint, b as bigint), type),
  );
}

function nonZero(divisor: bigint): bigint {
  if (divisor === 0n) throw divisionByZero();
  return divisor;
}

function numericArithmetic(expr: CallExpr, left: Expr, right: Expr, compiler: Compiler): Evaluate {
  if (!isExact(left.type) || !isExact(right.type)) notCompiled('numeric of other types');
  const { type, fn } = expr;
  const target = heldScale(type);
  const leftScale = heldScale(left.type);
  const rightScale = heldScale(right.type);
  const checked = (value: bigint) => {
    if (!fitsPrecision(value, type)) throw outOfRange({ kind: 'numeric' });
    return value;
  };
  if (fn === '*') {
    return both(
      compileExact(left, leftScale, compiler),
      compileExact(right, rightScale, compiler),
      (a, b) => checked(rescale((a as bigint) * (b as bigint), leftScale + rightScale, target)),
    );
  }
  if (fn === '/') return numericQuotient(expr, left, right, compiler);
  const scale = Math.max(leftScale, rightScale);
  const combine = wholeNumbers[fn]!;
  return both(compileExact(left, scale, compiler), compileExact(right, scale, compiler), (a, b) =>
    checked(rescale(combine(a as bigint, b as bigint), scale, target)),
  );
}

/** Rounded to the digits that PostgreSQL's select_div_scale gives for these two values. */
function numericQuotient(expr: CallExpr, left: Expr, right: Expr, compiler: Compiler): Evaluate {
  const target = heldScale(expr.type);
  const leftScale = heldScale(left.type);
  const rightScale = heldScale(right.type);
  return both(
    compileExact(left, leftScale, compiler),
    compileExact(right, rightScale, compiler),
    (a, b) => {
      const dividend = a as bigint;
      const divisor = nonZero(b as bigint);
      const digits = divisionScale(
        { value: dividend, type: left.type },
        { value: divisor, type: right.type },
      );
      const shift = digits + rightScale - leftScale;
      const quotient =
        shift >= 0
          ? divideRounded(dividend * powerOfTen(shift), divisor)
          : divideRounded(dividend, divisor * powerOfTen(-shift));
      return rescale(quotient, digits, target);
    },
  );
}

/**
 * Digits after the point of a quotient, PostgreSQL's select_div_scale: at least 16 significant ones, and no fewer than
 * an operand shows. An unconstrained numeric is taken to show what a quotient of its size would.
 */
function divisionScale(dividend: Operand, divisor: Operand): number {
  const a = base10000(dividend);
  const b = base10000(divisor);
  const weight = a.weight - b.weight - (a.firstDigit <= b.firstDigit ? 1 : 0);
  const shown = [shownScale(dividend, a.weight), shownScale(divisor, b.weight)];
  return Math.min(unconstrainedScale, Math.max(16 - weight * 4, ...shown, 0));
}

interface Operand {
  readonly value: bigint;
  readonly type: DataType;
}

function shownScale({ type }: Operand, weight: number): number {
  if (type.kind !== 'numeric' || type.scale !== undefined) return heldScale(type);
  return Math.min(unconstrainedScale, Math.max(0, 16 - weight * 4));
}

/** Weight (power of 10,000) and value of the first non-zero digit in base 10,000; (0, 0) for zero. */
function base10000({ value, type }: Operand): { weight: number; firstDigit: number } {
  const scale = heldScale(type);
  if (value === 0n) return { weight: 0, firstDigit: 0 };
  const digits = (value < 0n ? -value : value).toString();
  const exponent = digits.length - scale - 1;
  const weight = Math.floor(exponent / 4);
  const length = exponent - weight * 4 + 1;
  return { weight, firstDigit: Number(digits.slice(0, length).padEnd(length, '0')) };
}

const floats: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => {
    if (b === 0) throw divisionByZero();
    return a / b;
  },
};

function floatArithmetic(expr: CallExpr, left: Expr, right: Expr, compiler: Compiler): Evaluate {
  if (!isFloat(left.type) || !isFloat(right.type)) notCompiled('float of other types');
  const combine = floats[expr.fn] ?? notCompiled(`float ${expr.fn}`);
  const real = expr.type.kind === 'real';
  const mayUnderflow = expr.fn === '*' || expr.fn === '/';
  return both(compiler.compile(left), compiler.compile(right), (x, y) => {
    const a = x as number;
    const b = y as number;
    const exact = combine(a, b);
    const value = real ? Math.fround(exact) : exact;
    if (!Number.isFinite(value) && Number.isFinite(a) && Number.isFinite(b)) {
      throw outOfRange(expr.type);
    }
    if (mayUnderflow && value === 0 && a !== 0 && b !== 0 && Number.isFinite(b)) {
      throw outOfRange(expr.type);
    }
    return value;
  });
}

function negate(expr: CallExpr, compiler: Compiler): Evaluate {
  return unary(expr, compiler, (value) => -value);
}

function absolute(expr: CallExpr, compiler: Compiler): Evaluate {
  return unary(expr, compiler, (value) =>
    typeof value === 'bigint' ? (value < 0n ? -value : value) : Math.abs(Number(value)),
  );
}

function unary(
  expr: CallExpr,
  compiler: Compiler,
  apply: (value: number | bigint) => number | bigint,
): Evaluate {
  const { type } = expr;
  const arg = compileAs(expr.args[0]!, type, compiler);
  if (isInteger(type)) {
    return (frame, row) => {
      const value = arg(frame, row);
      return value === null ? null : integerOf(BigInt(apply(value as number | bigint)), type);
    };
  }
  if (type.kind !== 'numeric' && !isFloat(type)) notCompiled(`sign of ${type.kind}`);
  return (frame, row) => {
    const value = arg(frame, row);
    return value === null ? null : apply(value as number | bigint);
  };
}
