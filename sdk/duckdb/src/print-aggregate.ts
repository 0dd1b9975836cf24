import type { DataType } from '@tessera/columnar';
import {
  type AggregateExpr,
  type Expr,
  isExact,
  isInteger,
  type OrderItem,
  type WindowExpr,
} from '@tessera/sql';
import { duckdbType } from './duckdb-type.ts';
import type { Printer } from './print-context.ts';
import { divide, exactScale, variance } from './print-numeric.ts';

/** Prints an aggregate or window call; `wrap` puts FILTER and OVER behind each DuckDB function that it is made of. */
interface Site {
  readonly printer: Printer;
  readonly fn: string;
  readonly args: readonly Expr[];
  readonly texts: readonly string[];
  readonly type: DataType;
  readonly distinct: boolean;
  readonly orderBy: readonly OrderItem[];
  readonly wrap: (call: string) => string;
}

export function printAggregate(printer: Printer, expr: AggregateExpr): string {
  const filter = expr.filter === undefined ? '' : ` FILTER (WHERE ${printer.print(expr.filter)})`;
  return printSite({
    printer,
    fn: expr.fn,
    args: expr.args,
    texts: expr.args.map((a) => printer.print(a)),
    type: expr.type,
    distinct: expr.distinct,
    orderBy: expr.orderBy ?? [],
    wrap: (call) => `${call}${filter}`,
  });
}

export function printWindow(printer: Printer, expr: WindowExpr): string {
  const filter = expr.filter === undefined ? '' : ` FILTER (WHERE ${printer.print(expr.filter)})`;
  const over = ` OVER (${windowText(printer, expr)})`;
  return printSite({
    printer,
    fn: expr.fn,
    args: expr.args,
    texts: expr.args.map((a) => windowArgument(printer, expr, a)),
    type: expr.type,
    distinct: false,
    orderBy: [],
    wrap: (call) => `${call}${filter}${over}`,
  });
}

/** lag and lead bring their default to the type of their value: both are cast to the result's. */
function windowArgument(printer: Printer, { fn, type, args }: WindowExpr, arg: Expr): string {
  const text = printer.print(arg);
  const shared = (fn === 'lag' || fn === 'lead') && args.length === 3 && arg !== args[1];
  return shared && type.kind === 'numeric' ? `CAST(${text} AS ${duckdbType(type)})` : text;
}

function windowText(printer: Printer, { partitionBy, orderBy, frame }: WindowExpr): string {
  const parts: string[] = [];
  if (partitionBy.length > 0) {
    parts.push(`PARTITION BY ${partitionBy.map((e) => printer.print(e)).join(', ')}`);
  }
  if (orderBy.length > 0) {
    parts.push(`ORDER BY ${orderBy.map((o) => printOrder(printer.print(o.expr), o)).join(', ')}`);
  }
  if (frame !== undefined) {
    const bound = (b: typeof frame.start) =>
      'offset' in b ? `${printer.print(b.offset)} ${b.kind.toUpperCase()}` : b.kind.toUpperCase();
    const exclude = frame.exclude === undefined ? '' : ` EXCLUDE ${frame.exclude.toUpperCase()}`;
    parts.push(
      `${frame.mode.toUpperCase()} BETWEEN ${bound(frame.start)} AND ${bound(frame.end)}${exclude}`,
    );
  }
  return parts.join(' ');
}

/** An ORDER BY item; where NULLs go is always written. */
export function printOrder(text: string, item: OrderItem): string {
  const direction = item.descending ? 'DESC' : 'ASC';
  return `${text} ${direction} NULLS ${item.nullsFirst ? 'FIRST' : 'LAST'}`;
}

function printSite(site: Site): string {
  const { fn, args, texts, type, wrap } = site;
  const distinct = site.distinct ? 'DISTINCT ' : '';
  const own = (call: string) => `CAST(${wrap(call)} AS ${duckdbType(type)})`;
  switch (fn) {
    case 'count':
      return wrap(args.length === 0 ? 'count(*)' : `count(${distinct}${texts[0]})`);
    case 'avg':
      return average(site, distinct);
    case 'stddev_samp':
    case 'stddev_pop':
    case 'var_samp':
    case 'var_pop':
      return deviation(site, distinct);
    case 'string_agg': {
      const order = site.orderBy.map((o) => printOrder(site.printer.print(o.expr), o)).join(', ');
      return wrap(
        `string_agg(${distinct}${texts.join(', ')}${order === '' ? '' : ` ORDER BY ${order}`})`,
      );
    }
    case 'percentile_cont':
    case 'percentile_disc':
      return percentile(site);
    default:
      return own(`${fn}(${distinct}${texts.join(', ')})`);
  }
}

/** avg of exact values is their exact sum by their count, rounded as a quotient. */
function average({ printer, args, texts, type, wrap }: Site, distinct: string): string {
  if (type.kind !== 'numeric') return wrap(`avg(${distinct}${texts[0]})`);
  const from = args[0]!.type;
  const sum = { text: wrap(`sum(${distinct}${texts[0]})`), type: sumType(from) };
  const count = {
    text: `nullif(${wrap(`count(${distinct}${texts[0]})`)}, 0)`,
    type: { kind: 'bigint' } as const,
  };
  // No table has 10^17 rows.
  return divide(printer, sum, count, 17);
}

const sumType = (from: DataType): DataType =>
  isInteger(from)
    ? { kind: 'numeric', scale: 0 }
    : from.kind === 'numeric' && from.scale !== undefined
      ? { kind: 'numeric', scale: from.scale }
      : { kind: 'numeric' };

/** Digits after the point up to which squares are summed exactly. */
const exactSquareScale = 9;

function deviation({ printer, fn, args, texts, type, wrap }: Site, distinct: string): string {
  const from = args[0]!.type;
  if (type.kind !== 'numeric' || !isExact(from)) return wrap(`${fn}(${distinct}${texts[0]})`);
  const scale = Math.min(exactScale(from), exactSquareScale);
  const value =
    scale === 0 ? `CAST(${texts[0]} AS HUGEINT)` : `CAST(${texts[0]} AS DECIMAL(38, ${scale}))`;
  const root = fn.startsWith('stddev');
  const square = `${value} * ${value}`;
  return variance(
    printer,
    {
      count: wrap(`count(${distinct}${texts[0]})`),
      sum: wrap(`sum(${distinct}${value})`),
      squares: distinct === '' ? wrap(`sum(${square})`) : wrap(`sum(DISTINCT ${square})`),
    },
    scale,
    { sample: fn.endsWith('samp'), root },
  );
}

/** Descending order is the other end of the ascending one. */
function percentile({ printer, fn, args, orderBy, type, wrap }: Site): string {
  const key = orderBy[0]!;
  const given = printer.print(args[0]!);
  const value = printer.print(key.expr);
  if (fn === 'percentile_cont') {
    const fraction = key.descending ? `1 - ${given}` : given;
    return `CAST(${wrap(`quantile_cont(${value}, ${fraction})`)} AS ${duckdbType(type)})`;
  }
  const order = printOrder(value, key);
  return `CAST(${wrap(`percentile_disc(${given}) WITHIN GROUP (ORDER BY ${order})`)} AS ${duckdbType(type)})`;
}
