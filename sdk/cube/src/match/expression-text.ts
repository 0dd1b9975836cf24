import { invariant } from '@tessera/base';
import type { DataType, Value } from '@tessera/columnar';
import { type Expr, typeName } from '@tessera/sql';
import { civilOf } from '../time/civil.ts';

/**
 * An expression as SQL text that binds to the same expression again: what a model's YAML takes. Columns are written
 * as `alias.column`. `undefined` for what a model expression cannot hold: parameters, aggregates, subqueries.
 */
export function expressionText(expr: Expr): string | undefined {
  switch (expr.kind) {
    case 'literal':
      return literalText(expr.value, expr.type);
    case 'column':
      return `${identifier(expr.relation)}.${identifier(expr.name)}`;
    case 'cast': {
      const inner = expressionText(expr.arg);
      return inner && `cast(${inner} as ${typeName(expr.type)})`;
    }
    case 'call': {
      const args = expr.args.map(expressionText);
      return args.every((arg) => arg !== undefined) ? callText(expr.fn, args) : undefined;
    }
    case 'case': {
      const whens = expr.whens.map(({ when, then }) => [
        expressionText(when),
        expressionText(then),
      ]);
      const last = expr.otherwise && expressionText(expr.otherwise);
      if (whens.flat().includes(undefined) || (expr.otherwise && last === undefined))
        return undefined;
      const branches = whens.map(([when, then]) => `when ${when} then ${then}`);
      return `case ${branches.join(' ')}${last === undefined ? '' : ` else ${last}`} end`;
    }
    default:
      return undefined;
  }
}

const infix = new Set([
  ...['=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '^', '||', 'like', 'ilike'],
  ...['and', 'or'],
]);

const postfix: Readonly<Record<string, string>> = {
  is_null: 'is null',
  is_not_null: 'is not null',
  is_true: 'is true',
  is_false: 'is false',
};

function callText(fn: string, args: readonly string[]): string {
  const [first, second, ...rest] = args;
  if (infix.has(fn) && (args.length === 2 || fn === 'and' || fn === 'or')) {
    return `(${args.join(` ${fn} `)})`;
  }
  if (Object.hasOwn(postfix, fn)) return `(${first} ${postfix[fn]})`;
  switch (fn) {
    case 'not':
      return `(not ${first})`;
    case 'negate':
      return `(- ${first})`;
    case 'in':
      return `(${first} in (${[second, ...rest].join(', ')}))`;
    case 'between':
      return `(${first} between ${second} and ${rest[0]})`;
    case 'is_distinct':
      return `(${first} is distinct from ${second})`;
    case 'like':
    case 'ilike':
      return `(${first} ${fn} ${second} escape ${rest[0]})`;
    case 'extract':
      return `extract(${first!.replaceAll("'", '')} from ${second})`;
    default:
      return `${fn}(${args.join(', ')})`;
  }
}

const reserved = new Set(
  'all and as asc between case cast check column constraint cross current_date date default desc distinct do else end except false for foreign from full grant group having in inner intersect into is join left like limit not null offset on or order outer primary references right select some table then to true union unique user using when where window with year'.split(
    ' ',
  ),
);

function identifier(name: string): string {
  const plain = /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name);
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

function literalText(value: Value, type: DataType): string | undefined {
  if (value === null) return type.kind === 'unknown' ? 'null' : `cast(null as ${typeName(type)})`;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    return `'${value.replaceAll("'", "''")}'`;
  }
  switch (type.kind) {
    case 'integer':
      return signed(String(value));
    case 'smallint':
    case 'bigint':
    case 'real':
    case 'double':
      return `cast('${value}' as ${typeName(type)})`;
    case 'numeric':
      return signed(numericText(value as bigint, type.scale ?? 20));
    case 'date':
      return typeof value === 'number' ? `date '${dateText(BigInt(value))}'` : undefined;
    case 'timestamp':
      return typeof value === 'bigint' ? `timestamp '${timestampText(value)}'` : undefined;
    case 'timestamptz':
      return typeof value === 'bigint'
        ? `timestamp with time zone '${timestampText(value)}+00'`
        : undefined;
    default:
      return undefined;
  }
}

function signed(text: string): string {
  return text.startsWith('-') ? `(${text})` : text;
}

function numericText(unscaled: bigint, scale: number): string {
  invariant(scale >= 0, 'numeric literals have a scale');
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  if (scale === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function dateText(days: bigint): string {
  const { year, month, day } = civilOf(days);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

function timestampText(micros: bigint): string {
  const perDay = 86_400_000_000n;
  const time = ((micros % perDay) + perDay) % perDay;
  const pad = (value: bigint, length = 2): string => String(value).padStart(length, '0');
  const clock = [time / 3_600_000_000n, (time / 60_000_000n) % 60n, (time / 1_000_000n) % 60n];
  const text = clock.map((part) => pad(part)).join(':');
  return `${dateText((micros - time) / perDay)} ${text}.${pad(time % 1_000_000n, 6)}`;
}
