import { nearestName } from '@tessera/base';
import type { BindContext } from './bind-context.ts';
import { badName, brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { functionNames, missingAggregates } from './functions.ts';
import { isLiteral, lit } from './literal.ts';
import { scalarCall } from './operators.ts';
import { typeName } from './types.ts';

const fieldSynonyms: Readonly<Record<string, string>> = {
  years: 'year',
  y: 'year',
  months: 'month',
  mon: 'month',
  days: 'day',
  hours: 'hour',
  minutes: 'minute',
  seconds: 'second',
  quarters: 'quarter',
  weeks: 'week',
  decades: 'decade',
  centuries: 'century',
  millisecond: 'milliseconds',
  microsecond: 'microseconds',
};

const extractFields =
  'century day decade dow doy epoch hour isodow isoyear microseconds millennium milliseconds minute month quarter second week year'.split(
    ' ',
  );
const truncFields =
  'microseconds milliseconds second minute hour day week month quarter year decade'.split(' ');

/** The field of extract, date_part and date_trunc must be a literal, and is spelled in one way. */
export function bindDateFunction(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  location: number | undefined,
): Expr {
  const [field, from] = args;
  if (args.length !== 2 || field === undefined || from === undefined) {
    if (name === 'date_trunc' && args.length === 3) {
      throw ctx.unsupported('date_trunc with a time zone argument', location);
    }
    throw unknownFunction(ctx, name, args, location);
  }
  if (!isLiteral(field) || typeof field.value !== 'string') {
    throw ctx.unsupported(`${name} with a field that is not a literal`, location);
  }
  const lower = field.value.toLowerCase();
  const canonical = fieldSynonyms[lower] ?? lower;
  const allowed = name === 'date_trunc' ? truncFields : fieldsOf(from);
  if (!allowed.includes(canonical)) {
    throw brokenRule(
      'INVALID_LITERAL',
      `${name} knows no field "${field.value}" of ${typeName(from.type)}`,
      ctx.at(location),
      `Use one of ${allowed.join(', ')}.`,
    );
  }
  return scalarCall(ctx, name, [ctx.located(lit.text(canonical), location), from], location);
}

function fieldsOf(from: Expr): readonly string[] {
  const clock = ['hour', 'minute', 'second', 'milliseconds', 'microseconds'];
  switch (from.type.kind) {
    case 'date':
      return extractFields.filter((f) => !clock.includes(f));
    case 'time':
      return [...clock, 'epoch'];
    case 'interval':
      return extractFields.filter((f) => !['dow', 'doy', 'isodow', 'isoyear', 'week'].includes(f));
    default:
      return extractFields;
  }
}

/** Patterns of to_char that are printed exactly. */
export const toCharPatterns: readonly string[] = [
  ...['HH24', 'HH12', 'YYYY', 'Month', 'MONTH', 'month', 'FMMonth', 'FMDay', 'FMMM', 'FMDD'],
  ...['IYYY', 'Mon', 'MON', 'mon', 'DDD', 'Day', 'DAY', 'day', 'MM', 'MI', 'SS', 'MS', 'US'],
  ...['DD', 'Dy', 'DY', 'dy', 'YY', 'IW', 'ID', 'AM', 'PM', 'HH', 'Q', 'D'],
].sort((a, b) => b.length - a.length);

/** The pieces of a to_char format: patterns and the text between them; `undefined` for what is not supported. */
export function toCharPieces(
  format: string,
): readonly { readonly pattern?: string; readonly text?: string }[] | undefined {
  const pieces: { pattern?: string; text?: string }[] = [];
  for (let i = 0; i < format.length; ) {
    const quoted = /^"([^"]*)"/.exec(format.slice(i));
    const pattern = toCharPatterns.find((p) => format.startsWith(p, i));
    if (quoted !== null) {
      pieces.push({ text: quoted[1]! });
      i += quoted[0].length;
    } else if (pattern !== undefined) {
      pieces.push({ pattern });
      i += pattern.length;
    } else {
      if (/[A-Za-z\\"]/.test(format[i]!)) return undefined;
      pieces.push({ text: format[i]! });
      i += 1;
    }
  }
  return pieces;
}

/** to_char of dates and timestamps, where the format is one that is printed exactly. */
export function bindToChar(
  ctx: BindContext,
  args: readonly Expr[],
  location: number | undefined,
): Expr {
  const format = args[1];
  const literal = format !== undefined && isLiteral(format) && typeof format.value === 'string';
  if (args.length === 2 && (!literal || toCharPieces(String(format.value)) === undefined)) {
    throw ctx.unsupported('to_char with this format', location);
  }
  const kind = args[0]?.type.kind;
  if (kind !== 'date' && kind !== 'timestamp' && kind !== 'timestamptz') {
    throw ctx.unsupported('to_char of anything but dates and timestamps', location);
  }
  return scalarCall(ctx, 'to_char', args, location);
}

/** UNKNOWN_FUNCTION, with the nearest name; UNSUPPORTED_SQL for an aggregate that PostgreSQL has. */
export function unknownFunction(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  location: number | undefined,
): Error {
  if (missingAggregates.has(name)) return ctx.unsupported(`Aggregate ${name}`, location);
  const types = args.map((a) => typeName(a.type)).join(', ');
  return badName(
    'UNKNOWN_FUNCTION',
    `Function ${name}(${types}) does not exist`,
    ctx.at(location),
    nearestName(name, functionNames),
  );
}
