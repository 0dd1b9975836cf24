import type { DataType } from '@tessera/columnar';
import type { CallExpr, Expr } from '@tessera/sql';
import { isInteger } from '@tessera/sql';
import { duckdbType } from './duckdb-type.ts';
import { once, type Printer } from './print-context.ts';
import { printDateTrunc, printExtract, printToChar } from './print-date.ts';
import {
  aligned,
  digitsOf,
  digitsOfResult,
  divide,
  exactScale,
  multiplyWide,
  numericRoot,
  variance,
} from './print-numeric.ts';
import { quoteText } from './quote.ts';
import { checkTextLength } from './text-length.ts';

/** A call as DuckDB SQL that gives PostgreSQL's value and type. */
export function printCall(printer: Printer, call: CallExpr): string {
  checkTextLength(call);
  const { fn, args, type } = call;
  const plainTexts = args.map((a) => printer.print(a));
  const texts = comparing.has(fn) ? aligned(args, plainTexts) : plainTexts;
  const special = Object.hasOwn(specials, fn) ? specials[fn] : undefined;
  if (special !== undefined) return special({ printer, call, args, texts, type });
  if (infix.has(fn)) return `(${texts[0]} ${fn} ${texts[1]})`;
  if (plain.has(fn)) return `${fn}(${texts.join(', ')})`;
  if (cast.has(fn)) return `CAST(${fn}(${texts.join(', ')}) AS ${duckdbType(type)})`;
  throw new Error(`Broken invariant: no DuckDB form of ${fn}`);
}

/** Whose operands DuckDB brings to one type by itself. */
const comparing: ReadonlySet<string> = new Set(
  '= <> < <= > >= in is_distinct nullif coalesce greatest least %'.split(' '),
);

interface Site {
  readonly printer: Printer;
  readonly call: CallExpr;
  readonly args: readonly Expr[];
  readonly texts: readonly string[];
  readonly type: DataType;
}

const infix: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=', '||']);

/** Same name, same meaning, same type. */
const plain: ReadonlySet<string> = new Set(
  'lower upper left reverse translate starts_with ascii chr md5 concat concat_ws replace abs ln exp cbrt degrees radians sin cos tan asin acos atan atan2 pi make_date age timezone split_part'.split(
    ' ',
  ),
);
/** Same name and meaning, but another type. */
const cast: ReadonlySet<string> = new Set([
  'length',
  'strpos',
  'floor',
  'ceil',
  'sign',
  'grouping',
]);

const joined = (word: string) => (site: Site) => `(${site.texts.join(` ${word} `)})`;
const zeroGuard = (operator: string) => (site: Site) => guardedDivision(site, operator);

const specials: Readonly<Record<string, (site: Site) => string>> = {
  and: joined('AND'),
  or: joined('OR'),
  not: ({ texts }) => `(NOT ${texts[0]})`,
  is_null: ({ texts }) => `(${texts[0]} IS NULL)`,
  is_true: ({ texts }) => `coalesce(${texts[0]}, false)`,
  is_false: ({ texts }) => `(NOT coalesce(${texts[0]}, true))`,
  is_distinct: ({ texts }) => `(${texts[0]} IS DISTINCT FROM ${texts[1]})`,
  in: ({ texts }) => `(${texts[0]} IN (${texts.slice(1).join(', ')}))`,
  coalesce: unified('coalesce'),
  greatest: unified('greatest'),
  least: unified('least'),
  nullif: ({ texts, type }) => `CAST(nullif(${texts.join(', ')}) AS ${duckdbType(type)})`,
  negate: ({ texts }) => `(- ${texts[0]})`,
  '+': addition,
  '-': addition,
  '*': multiplication,
  '/': division,
  '%': zeroGuard('%'),
  div: ({ printer, texts, args, type }) =>
    `CAST(trunc(${divide(printer, exact(args[0]!, texts[0]!), exact(args[1]!, texts[1]!))}) AS ${duckdbType(type)})`,
  '^': powerOf,
  power: powerOf,
  sqrt: ({ printer, texts, args, type }) =>
    type.kind === 'numeric'
      ? numericRoot(printer, exact(args[0]!, texts[0]!))
      : `sqrt(${texts[0]})`,
  stddev_samp_of: deviationOfParts,
  stddev_pop_of: deviationOfParts,
  log: ({ texts }) => `log10(${texts[0]})`,
  round: rounding,
  trunc: rounding,
  like: pattern('LIKE'),
  ilike: pattern('ILIKE'),
  substring,
  btrim: trim('trim'),
  ltrim: trim('ltrim'),
  rtrim: trim('rtrim'),
  right: ({ texts }) => `right(${texts.join(', ')})`,
  repeat: ({ texts }) => `repeat(${texts[0]}, ${texts[1]})`,
  lpad: pad('lpad'),
  rpad: pad('rpad'),
  octet_length: ({ texts }) => `CAST(strlen(${texts[0]}) AS INTEGER)`,
  extract: ({ texts, args }) => printExtract(fieldOf(args), texts[1]!, args[1]!.type),
  date_part: ({ texts, args }) =>
    `CAST(${printExtract(fieldOf(args), texts[1]!, args[1]!.type)} AS DOUBLE)`,
  date_trunc: ({ texts, args, type }) => printDateTrunc(fieldOf(args), texts[1]!, type),
  to_char: ({ texts, args }) => printToChar(texts[0]!, args[1]!),
};

const exact = (expr: Expr, text: string) => ({ text, type: expr.type });

function fieldOf(args: readonly Expr[]): string {
  const field = args[0]!;
  return field.kind === 'literal' ? String(field.value) : '';
}

/** A standard deviation put together from count, sum and sum of squares, as matching leaves it; rounded as the aggregate is. */
function deviationOfParts({ printer, call, args, texts }: Site): string {
  const [count, sum, squares] = texts as [string, string, string];
  const form = { sample: call.fn === 'stddev_samp_of', root: true };
  return variance(printer, { count, sum, squares }, exactScale(args[1]!.type), form);
}

/** DuckDB widens the arguments to what they have in common; numerics then to the type that was bound. */
function unified(fn: string) {
  return ({ texts, type }: Site) => {
    const text = `${fn}(${texts.join(', ')})`;
    return type.kind === 'numeric' ? `CAST(${text} AS ${duckdbType(type)})` : text;
  };
}

function addition({ call, args, texts, type }: Site): string {
  if (type.kind === 'interval' && args[0]!.type.kind === 'time') {
    return `to_microseconds(epoch_us(${texts[0]}) - epoch_us(${texts[1]}))`;
  }
  const text = `(${widened(call, texts)} ${call.fn} ${texts[1]})`;
  if (type.kind === 'integer' && args[0]!.type.kind === 'date') return `CAST(${text} AS INTEGER)`;
  return text;
}

/** DuckDB computes decimals of up to 18 digits in 64 bits, and fails where a result is longer: so one operand is widened. */
function widened(call: CallExpr, texts: readonly string[]): string {
  const { fn, args, type } = call;
  if (type.kind !== 'numeric' || digitsOfResult(fn, args) <= 18) return texts[0]!;
  return `CAST(${texts[0]} AS DECIMAL(38, ${exactScale(args[0]!.type)}))`;
}

/** Beyond 38 digits after or before the point DuckDB has no product type. */
function multiplication({ printer, call, args, texts, type }: Site): string {
  if (type.kind !== 'numeric') return `(${texts[0]} * ${texts[1]})`;
  const [left, right] = [exact(args[0]!, texts[0]!), exact(args[1]!, texts[1]!)];
  if (type.scale !== undefined) return `(${widened(call, texts)} * ${texts[1]})`;
  return multiplyWide(printer, left, right);
}

function division(site: Site): string {
  const { printer, args, texts, type } = site;
  if (type.kind === 'interval') return `(${texts[0]} / ${texts[1]})`;
  if (type.kind === 'numeric') {
    const [left, right] = [exact(args[0]!, texts[0]!), exact(args[1]!, texts[1]!)];
    return divide(printer, left, right, digitsOf(args[1]!));
  }
  return guardedDivision(site, isInteger(type) ? '//' : '/');
}

/** Division by zero is an error in PostgreSQL, NULL or infinity in DuckDB. */
function guardedDivision({ printer, args, texts, type }: Site, operator: string): string {
  const divisor = args[1]!;
  const quotient = (a: string, b: string) =>
    type.kind === 'numeric' && operator === '%'
      ? `CAST(${a} % ${b} AS DECIMAL(38, ${exactScale(type)}))`
      : `(${a} ${operator} ${b})`;
  const known = divisor.kind === 'literal' && divisor.value !== null && Number(divisor.value) !== 0;
  // The smallest integer divided by -1 overflows, so -1 is guarded by DuckDB itself.
  if (known) return quotient(texts[0]!, texts[1]!);
  return once(
    printer,
    texts,
    (a, b) =>
      `CASE WHEN ${b} = 0 AND ${a} IS NOT NULL THEN error('division by zero') ELSE ${quotient(a!, b!)} END`,
  );
}

function powerOf({ printer, texts }: Site): string {
  return once(printer, texts, (a, b) =>
    [
      `CASE WHEN ${a} = 0 AND ${b} < 0 THEN error('zero raised to a negative power is undefined: out of range')`,
      `WHEN ${a} < 0 AND ${b} <> floor(${b}) THEN error('a negative number raised to a non-integer power: out of range')`,
      `ELSE pow(${a}, ${b}) END`,
    ].join(' '),
  );
}

/** Doubles round half to even, numerics half away from zero. */
function rounding({ call, args, texts, type }: Site): string {
  if (type.kind === 'double') {
    return call.fn === 'round' ? `round_even(${texts[0]}, 0)` : `trunc(${texts[0]})`;
  }
  const digits = args[1];
  if (digits === undefined) return `CAST(${call.fn}(${texts[0]}) AS ${duckdbType(type)})`;
  const value = digits.kind === 'literal' ? Number(digits.value) : Number.NaN;
  const held = exactScale(args[0]!.type);
  if (value >= held) return `CAST(${texts[0]} AS ${duckdbType(type)})`;
  return `CAST(${call.fn}(${texts[0]}, ${value}) AS ${duckdbType(type)})`;
}

/** PostgreSQL's escape character is a backslash unless ESCAPE says otherwise. */
function pattern(word: string) {
  return ({ args, texts }: Site): string => {
    const [, like, escaped] = args;
    const character =
      escaped === undefined
        ? '\\'
        : escaped.kind === 'literal'
          ? String(escaped.value ?? '')
          : '\\';
    const unescaped =
      like?.kind === 'literal' && character !== '' && !String(like.value).includes(character);
    const clause = character === '' || unescaped ? '' : ` ESCAPE ${quoteText(character)}`;
    return `(${texts[0]} ${word} ${texts[1]}${clause})`;
  };
}

/** Positions before the first character count down the length; a negative length is an error. */
function substring({ printer, texts }: Site): string {
  const [text, start, length] = texts as [string, string, string | undefined];
  if (length === undefined) return `substring(${text}, greatest(${start}, 1))`;
  return once(printer, [text, start, length], (s, from, count) =>
    [
      `CASE WHEN ${count} < 0 THEN error('negative substring length not allowed: out of range')`,
      `ELSE substring(${s}, greatest(${from}, 1), greatest(CAST(${from} AS BIGINT) + ${count} - greatest(${from}, 1), 0)) END`,
    ].join(' '),
  );
}

/** Without a second argument only blanks are trimmed. */
function trim(fn: string) {
  return ({ texts }: Site) => `${fn}(${texts[0]}, ${texts[1] ?? `' '`})`;
}

function pad(fn: string) {
  return ({ printer, texts }: Site) =>
    once(
      printer,
      [texts[0]!, texts[1]!],
      (s, n) => `${fn}(${s}, greatest(${n}, 0), ${texts[2] ?? `' '`})`,
    );
}
