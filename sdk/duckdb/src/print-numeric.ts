import { type DataType, unconstrainedScale } from '@tessera/columnar';
import { type Expr, isInteger } from '@tessera/sql';
import { chain, type Printer } from './print-context.ts';

/**
 * PostgreSQL's exact arithmetic where DuckDB's would go through DOUBLE. Values are taken apart into 128-bit integers
 * (`unscaled`, scale known), divided digit by digit and rounded where PostgreSQL rounds, half away from zero.
 */

/** Digits after the point of an exact type's values as DuckDB holds them. */
export function exactScale(type: DataType): number {
  return type.kind === 'numeric' ? (type.scale ?? unconstrainedScale) : 0;
}

const precisionOf = (type: DataType): number =>
  type.kind === 'numeric' ? (type.precision ?? 38) : 38;

/** The value times 10^scale as HUGEINT. The product of a wide decimal would overflow: its digits are read instead. */
export function unscaled(text: string, type: DataType): string {
  const scale = exactScale(type);
  if (scale === 0) return `CAST(${text} AS HUGEINT)`;
  if (scale <= 9 && precisionOf(type) + scale <= 38) {
    const wide = `CAST(${text} AS DECIMAL(38, ${scale}))`;
    return `CAST(${wide} * 1${'0'.repeat(scale)}::DECIMAL(${scale + 1}, 0) AS HUGEINT)`;
  }
  return `CAST(replace(CAST(CAST(${text} AS DECIMAL(38, ${scale})) AS VARCHAR), '.', '') AS HUGEINT)`;
}

/** Total digits that the values have at most, 38 when that is not known. */
export function digitsOf(expr: Expr): number {
  const { type } = expr;
  if (expr.kind === 'literal' && typeof expr.value === 'bigint' && type.kind === 'numeric') {
    return Math.max(`${expr.value}`.replace('-', '').length, exactScale(type) + 1);
  }
  if (expr.kind === 'cast' && isInteger(expr.arg.type) && exactScale(type) === 0) {
    return expr.arg.type.kind === 'smallint' ? 5 : expr.arg.type.kind === 'integer' ? 10 : 19;
  }
  if (expr.kind === 'call' && ['+', '-', '*'].includes(expr.fn))
    return digitsOfResult(expr.fn, expr.args);
  return type.kind === 'numeric' ? (type.precision ?? 38) : 38;
}

/** Digits that the sum, difference or product of the arguments has at most. */
export function digitsOfResult(fn: string, args: readonly Expr[]): number {
  const digits = args.map(digitsOf);
  const scales = args.map((a) => exactScale(a.type));
  if (fn === '*')
    return Math.min(
      38,
      digits.reduce((sum, d) => sum + d, 0),
    );
  const whole = Math.max(...digits.map((d, i) => d - scales[i]!));
  return Math.min(38, whole + Math.max(...scales) + 1);
}

/**
 * The operands so that DuckDB's common type holds them all: of DECIMAL(10, 2) and DECIMAL(38, 0) it would take the
 * second and round the first. Only where that could happen they are cast to the larger scale.
 */
export function aligned(args: readonly Expr[], texts: readonly string[]): readonly string[] {
  const numeric = args.every((a) => a.type.kind === 'numeric');
  const scales = args.map((a) => exactScale(a.type));
  if (!numeric || scales.every((scale) => scale === scales[0])) return texts;
  const scale = Math.max(...scales);
  const whole = Math.max(...args.map((a, i) => digitsOf(a) - scales[i]!));
  if (whole + scale <= 38) return texts;
  return texts.map((text, i) =>
    scales[i] === scale ? text : `CAST(${text} AS DECIMAL(38, ${scale}))`,
  );
}

/** The decimal of `scale` digits after the point whose unscaled value the HUGEINT is. */
export function scaled(hugeint: string, scale: number): string {
  if (scale === 0) return `CAST(${hugeint} AS DECIMAL(38, 0))`;
  const unit = `'0.${'0'.repeat(scale - 1)}1'::DECIMAL(${scale + 1}, ${scale})`;
  return `(CAST(${hugeint} AS DECIMAL(38, 0)) * ${unit})`;
}

/** floor of log10 by 10,000 (PostgreSQL's weight) of |unscaled| at a scale, and the first base-10,000 digit. */
function weight(digits: string, scale: number): string {
  return `CAST(floor((length(${digits}) - ${1 + scale}) / 4.0) AS INTEGER)`;
}

function firstDigit(digits: string, scale: number): string {
  // Of length − 1 − scale, the rest by 4 and one more is how many digits stand before the first group's end.
  const size = `CAST((length(${digits}) + ${39 - scale}) % 4 + 1 AS INTEGER)`;
  return `CAST(rpad(left(${digits}, ${size}), ${size}, '0') AS INTEGER)`;
}

/** Digits after the point of an operand as PostgreSQL would show it; for quotients from their size. */
function displayScale(type: DataType, weightText: string): string {
  const fixed = type.kind !== 'numeric' || type.scale !== undefined;
  if (fixed) return `${exactScale(type)}`;
  return `least(${unconstrainedScale}, greatest(0, 16 - 4 * ${weightText}))`;
}

type Typed = Pick<Exact, 'type'>;

interface Exact {
  readonly text: string;
  readonly type: DataType;
}

/** 10^k as HUGEINT for k up to 22, where doubles are exact. */
const power10 = (k: string) => `CAST(pow(10, ${k}) AS HUGEINT)`;

/**
 * `left / right` by PostgreSQL's select_div_scale: at least 16 significant digits, never fewer after the point than an
 * operand shows. The result is DECIMAL(38, 20). `rightDigits`: how many digits the divisor has at most.
 */
export function divide(printer: Printer, left: Exact, right: Exact, rightDigits = 38): string {
  const result = (s: string) => scaled(quotientOf(s, left, right, rightDigits), unconstrainedScale);
  return chain(printer, operands(left, right), divisionSteps(left, right, rightDigits), result);
}

const operands = (left: Exact, right: Exact) => ({
  n: unscaled(left.text, left.type),
  d: unscaled(right.text, right.type),
});

/** A divisor of so many digits leaves room for the remainder times 10^20 in 128 bits: one step is enough. */
const shortDivisor = 17;

const surplusOf = (left: Typed, right: Typed) => exactScale(left.type) - exactScale(right.type);

const inOneStep = (left: Typed, right: Typed, rightDigits: number) =>
  rightDigits <= shortDivisor &&
  exactScale(right.type) <= exactScale(left.type) &&
  left.type.kind === 'numeric' &&
  left.type.scale !== undefined;

/** Ends with fields `neg`, `d`, `q` and `r` (quotient and remainder of the magnitudes), and `rs`, the digits to round to. */
function divisionSteps(left: Typed, right: Typed, rightDigits: number) {
  const surplus = surplusOf(left, right);
  const steps = [
    (s: string): Readonly<Record<string, string>> => ({
      neg: `(${s}.n < 0) <> (${s}.d < 0)`,
      n: `abs(${s}.n)`,
      d: `CASE WHEN ${s}.d = 0 AND ${s}.n IS NOT NULL THEN error('division by zero') ELSE abs(${s}.d) END`,
      nt: `CAST(abs(${s}.n) AS VARCHAR)`,
      dt: `CAST(abs(${s}.d) AS VARCHAR)`,
    }),
    (s: string): Readonly<Record<string, string>> => ({
      neg: `${s}.neg`,
      d: `${s}.d`,
      q: `${s}.n // ${s}.d`,
      r: `${s}.n % ${s}.d`,
      rs: roundingScale(s, left.type, right.type),
    }),
  ];
  if (inOneStep(left, right, rightDigits)) return steps;
  // The quotient needs rs - surplus more digits: three shifts of at most 14.
  const shifts = [0, 1, 2].map((i) => (s: string): Readonly<Record<string, string>> => {
    const power = power10(`greatest(0, least(14, ${s}.rs - ${surplus + 14 * i}))`);
    return {
      neg: `${s}.neg`,
      d: `${s}.d`,
      q: `${s}.q * ${power} + (${s}.r * ${power}) // ${s}.d`,
      r: `(${s}.r * ${power}) % ${s}.d`,
      rs: `${s}.rs`,
    };
  });
  return [...steps, ...shifts];
}

/** The quotient times 10^20, rounded to `rs` digits, after `divisionSteps`. */
function quotientOf(s: string, left: Typed, right: Typed, rightDigits: number): string {
  const sign = `CASE WHEN ${s}.neg THEN -1 ELSE 1 END * ${power10(`${unconstrainedScale} - ${s}.rs`)}`;
  const surplus = surplusOf(left, right);
  if (!inOneStep(left, right, rightDigits)) return `${rounded(s, surplus)} * ${sign}`;
  const power = power10(`${s}.rs - ${surplus}`);
  return `(${s}.q * ${power} + (2 * ${s}.r * ${power} + ${s}.d) // (2 * ${s}.d)) * ${sign}`;
}

/**
 * Half away from zero at `rs` digits. A quotient of a value held with more digits than it shows has digits to drop
 * (`surplus` is what its operands' scales leave); else the remainder decides.
 */
function rounded(s: string, surplus: number): string {
  const byRemainder = `(${s}.q + CASE WHEN ${s}.r * 2 >= ${s}.d THEN 1 ELSE 0 END)`;
  if (surplus <= 0) return byRemainder;
  const unit = power10(`greatest(0, ${surplus} - ${s}.rs)`);
  return `CASE WHEN ${s}.rs >= ${surplus} THEN ${byRemainder} ELSE (${s}.q + ${unit} // 2) // ${unit} END`;
}

function roundingScale(s: string, left: DataType, right: DataType): string {
  const [s1, s2] = [exactScale(left), exactScale(right)];
  const [nw, dw] = [
    `CASE WHEN ${s}.n = 0 THEN 0 ELSE ${weight(`${s}.nt`, s1)} END`,
    weight(`${s}.dt`, s2),
  ];
  const lead = `CASE WHEN ${s}.n = 0 THEN 0 ELSE ${firstDigit(`${s}.nt`, s1)} END`;
  const least = `CASE WHEN ${lead} <= ${firstDigit(`${s}.dt`, s2)} THEN 20 ELSE 16 END`;
  const shown = [displayScale(left, nw), displayScale(right, dw)];
  const wanted = `${least} - 4 * (${nw} - ${dw})`;
  return `CAST(least(${unconstrainedScale}, greatest(${wanted}, ${shown.join(', ')}, 0)) AS INTEGER)`;
}

/**
 * Variance or standard deviation of exact values from their count, sum and sum of squares, as PostgreSQL computes
 * them: (n·Σx² − (Σx)²) / (n·(n−1) or n²), rounded as a quotient. `scale` is that of the values.
 */
export function variance(
  printer: Printer,
  parts: { readonly count: string; readonly sum: string; readonly squares: string },
  scale: number,
  form: { readonly sample: boolean; readonly root: boolean },
): string {
  const kind = (s: number): DataType => ({ kind: 'numeric', scale: s });
  const name = printer.fresh();
  const n = `CAST(${name}.n AS HUGEINT)`;
  const above = `greatest(${n} * ${name}.sq - ${name}.s * ${name}.s, CAST(0 AS HUGEINT))`;
  const below = form.sample ? `${n} * (${n} - 1)` : `${n} * ${n}`;
  const [left, right] = [{ type: kind(2 * scale) }, { type: { kind: 'bigint' } as const }];
  // A deviation is small where its square would not fit, so the root is taken before anything is scaled up.
  const result = (r: string) =>
    form.root
      ? squareRoot(printer, { unscaled: rounded(r, 2 * scale), scale: `${r}.rs` }, `${r}.rs`)
      : scaled(quotientOf(r, left, right, 38), unconstrainedScale);
  const steps = divisionSteps(left, right, 38);
  const ratio = chain(printer, { n: above, d: below }, steps, result);
  const fields = [
    `'n': ${parts.count}`,
    `'s': ${unscaled(parts.sum, kind(scale))}`,
    `'sq': ${unscaled(parts.squares, kind(2 * scale))}`,
  ];
  const least = form.sample ? 2 : 1;
  return `list_transform([{${fields.join(', ')}}], lambda ${name}: CASE WHEN ${name}.n < ${least} THEN NULL ELSE ${ratio} END)[1]`;
}

/** A value that is not negative, as SQL: a HUGEINT and how many of its digits stand after the point, at most 20. */
interface Magnitude {
  readonly unscaled: string;
  readonly scale: string;
}

/**
 * As DECIMAL(38, 20): the root, rounded to `digits` after the point. It has 18 digits before the point at most. The
 * double root of 15 digits is corrected by one Newton step in integers, which gives twice as many.
 */
export function squareRoot(printer: Printer, value: Magnitude, digits: string): string {
  return chain(
    printer,
    { v: value.unscaled, vs: value.scale, rs: digits },
    [
      (s) => ({
        v: `${s}.v`,
        vs: `${s}.vs`,
        rs: `${s}.rs`,
        f: `CAST(${s}.v AS DOUBLE) / pow(10, ${s}.vs)`,
      }),
      // x: the root times 10^k with k such that x has at most 17 digits; 19 when it has as many before the point.
      (s) => ({
        v: `${s}.v`,
        vs: `${s}.vs`,
        rs: `${s}.rs`,
        f: `${s}.f`,
        k: `CAST(greatest(0, least(16, 16 - ceil(log10(greatest(${s}.f, 1e-20)) / 2))) AS INTEGER)`,
      }),
      (s) => ({
        v: `${s}.v`,
        rs: `${s}.rs`,
        k: `${s}.k`,
        // What the value lacks of 2k digits after the point, the scale of x².
        up: `2 * ${s}.k - ${s}.vs`,
        x: `CAST(round(sqrt(${s}.f) * pow(10, ${s}.k)) AS HUGEINT)`,
      }),
      // rest: value − x²; when the value has digits below those of x², they are dropped.
      (s) => ({
        rs: `${s}.rs`,
        k: `${s}.k`,
        x: `${s}.x`,
        rest: `CASE WHEN ${s}.up >= 0 THEN ${s}.v * ${power10(`greatest(0, ${s}.up)`)} ELSE ${s}.v // ${power10(`greatest(0, - ${s}.up)`)} END - ${s}.x * ${s}.x`,
      }),
      // The correction rest / 2x, rounded to scale 20; `//` would cut a negative one towards zero.
      (s) => ({
        rs: `${s}.rs`,
        k: `${s}.k`,
        x: `${s}.x`,
        t: `${s}.rest * ${power10(`least(14, 20 - ${s}.k)`)} + ${s}.x`,
      }),
      (s) => ({
        rs: `${s}.rs`,
        root: `CASE WHEN ${s}.x = 0 THEN CAST(0 AS HUGEINT) ELSE ${s}.x * ${power10(`20 - ${s}.k`)} + CASE WHEN ${s}.t >= 0 THEN ${s}.t // (2 * ${s}.x) ELSE - ((2 * ${s}.x - 1 - ${s}.t) // (2 * ${s}.x)) END * ${power10(`greatest(0, 6 - ${s}.k)`)} END`,
      }),
    ],
    (s) => {
      const unit = power10(`20 - ${s}.rs`);
      return scaled(`((${s}.root + ${unit} // 2) // ${unit}) * ${unit}`, unconstrainedScale);
    },
  );
}

/** sqrt(numeric): at least 16 significant digits, never fewer after the point than the argument shows. */
export function numericRoot(printer: Printer, { text, type }: Exact): string {
  const scale = exactScale(type);
  const value = `CAST(${text} AS DECIMAL(38, ${unconstrainedScale}))`;
  return chain(
    printer,
    { v: unscaled(value, { kind: 'numeric' }) },
    [
      (s) => ({
        v: `CASE WHEN ${s}.v < 0 THEN error('cannot take square root of a negative number, out of range') ELSE ${s}.v END`,
        w: `CASE WHEN ${s}.v = 0 THEN 0 ELSE ${weight(`CAST(abs(${s}.v) AS VARCHAR)`, unconstrainedScale)} END`,
      }),
      (s) => ({
        v: `${s}.v`,
        rs: `CAST(least(20, greatest(16 - CASE WHEN ${s}.w >= 0 THEN (${s}.w + 1) * 2 - 1 ELSE 1 - (1 - ${s}.w * 4) // 2 END, ${type.kind === 'numeric' && type.scale === undefined ? `greatest(0, 16 - 4 * ${s}.w)` : `${scale}`}, 0)) AS INTEGER)`,
      }),
    ],
    (s) => squareRoot(printer, { unscaled: `${s}.v`, scale: `${unconstrainedScale}` }, `${s}.rs`),
  );
}

/** The product of two numerics whose digits DuckDB's own multiplication could not hold, rounded to scale 20. */
export function multiplyWide(printer: Printer, left: Exact, right: Exact): string {
  const wide = ({ text }: Exact) =>
    unscaled(`CAST(${text} AS DECIMAL(38, ${unconstrainedScale}))`, { kind: 'numeric' });
  const base = '10000000000::HUGEINT';
  return chain(
    printer,
    { a: wide(left), b: wide(right) },
    [
      (s) => ({
        neg: `(${s}.a < 0) <> (${s}.b < 0)`,
        a: `abs(${s}.a)`,
        b: `abs(${s}.b)`,
      }),
      // Whole part, and two parts of ten digits after the point.
      (s) => ({
        neg: `${s}.neg`,
        a0: `${s}.a // (${base} * ${base})`,
        a1: `(${s}.a // ${base}) % ${base}`,
        a2: `${s}.a % ${base}`,
        b0: `${s}.b // (${base} * ${base})`,
        b1: `(${s}.b // ${base}) % ${base}`,
        b2: `${s}.b % ${base}`,
      }),
      (s) => ({
        neg: `${s}.neg`,
        high: `${s}.a0 * ${s}.b0 * ${base} * ${base} + (${s}.a0 * ${s}.b1 + ${s}.a1 * ${s}.b0) * ${base} + ${s}.a0 * ${s}.b2 + ${s}.a1 * ${s}.b1 + ${s}.a2 * ${s}.b0`,
        low: `(${s}.a1 * ${s}.b2 + ${s}.a2 * ${s}.b1) * ${base} + ${s}.a2 * ${s}.b2`,
      }),
    ],
    (s) =>
      scaled(
        `(${s}.high + (${s}.low + ${base} * ${base} // 2) // (${base} * ${base})) * CASE WHEN ${s}.neg THEN -1 ELSE 1 END`,
        unconstrainedScale,
      ),
  );
}
