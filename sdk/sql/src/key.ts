import type { DataType, Value } from '@tessera/columnar';
import type {
  ColumnExpr,
  Expr,
  LiteralExpr,
  ParameterExpr,
  SubqueryExpr,
  WindowExpr,
} from './expression.ts';
import type { OrderItem, Statement, TableRelation } from './query.ts';

const commutative: ReadonlySet<string> = new Set(['=', '<>', '+', '*', 'and', 'or', 'is_distinct']);
const mirrored: Readonly<Record<string, string>> = { '>': '<', '>=': '<=' };

/**
 * Equal for expressions that mean the same by form: operands of commutative operators in any order,
 * `a > b` as `b < a`, IN lists as sets. Literals count with their type and value, columns with their relation's id.
 */
export function exprKey(expr: Expr): string {
  switch (expr.kind) {
    case 'literal':
      return `'${typeKey(expr.type)}:${valueKey(expr.value)}`;
    case 'parameter':
      return `$${expr.index}:${typeKey(expr.type)}`;
    case 'column':
      return `${quote(expr.relation)}.${quote(expr.name)}`;
    default: {
      const known = composedKeys.get(expr);
      if (known !== undefined) return known;
      const key = composedKey(expr);
      composedKeys.set(expr, key);
      return key;
    }
  }
}

type ComposedExpr = Exclude<Expr, LiteralExpr | ParameterExpr | ColumnExpr>;

/** Expressions never change, and matching asks for the keys of the same ones at every level above them. */
const composedKeys = new WeakMap<Expr, string>();

function composedKey(expr: ComposedExpr): string {
  switch (expr.kind) {
    case 'call':
      return callKey(expr.fn, expr.args.map(exprKey), expr.type);
    case 'cast':
      return `cast(${exprKey(expr.arg)} as ${typeKey(expr.type)})`;
    case 'case': {
      const whens = expr.whens.map(({ when, then }) => `${exprKey(when)}?${exprKey(then)}`);
      return `case(${whens.join(',')};${optionalKey(expr.otherwise)})`;
    }
    case 'aggregate': {
      const distinct = expr.distinct ? 'distinct ' : '';
      const order = expr.orderBy === undefined ? '' : ` order ${orderKey(expr.orderBy)}`;
      const filter = expr.filter === undefined ? '' : ` filter ${exprKey(expr.filter)}`;
      return `${expr.fn}!(${distinct}${keys(expr.args)}${order}${filter})`;
    }
    case 'window':
      return windowKey(expr);
    case 'subquery':
      return subqueryKey(expr);
  }
}

function callKey(fn: string, args: readonly string[], t: DataType): string {
  const mirror = mirrored[fn];
  if (mirror !== undefined) return callKey(mirror, args.toReversed(), t);
  if (commutative.has(fn)) return `${fn}(${args.toSorted().join(',')})`;
  if (fn === 'in') return `in(${args[0]};${[...new Set(args.slice(1))].sort().join(',')})`;
  return `${fn}(${args.join(',')})`;
}

function windowKey(expr: WindowExpr): string {
  const { frame } = expr;
  const bound = (b: NonNullable<typeof frame>['start']) =>
    'offset' in b ? `${b.kind} ${exprKey(b.offset)}` : b.kind;
  const range =
    frame === undefined
      ? ''
      : `${frame.mode} ${bound(frame.start)} ${bound(frame.end)} ${frame.exclude ?? ''}`;
  return `${expr.fn}~(${keys(expr.args)};${optionalKey(expr.filter)};${keys(expr.partitionBy)};${orderKey(expr.orderBy)};${range})`;
}

function subqueryKey(expr: SubqueryExpr): string {
  return `${expr.form}(${optionalKey(expr.test)} ${expr.fn ?? ''} ${serialise(expr.query)})`;
}

const keys = (exprs: readonly Expr[]) => exprs.map(exprKey).join(',');
const optionalKey = (expr: Expr | undefined) => (expr === undefined ? '' : exprKey(expr));

/** With its length before it, no text can be taken for two, nor for what stands around it. */
const quote = (text: string) => `${text.length}"${text}"`;

function orderKey(items: readonly OrderItem[]): string {
  return items
    .map((o) => `${exprKey(o.expr)}${o.descending ? '-' : '+'}${o.nullsFirst ? 'f' : 'l'}`)
    .join(',');
}

function typeKey(t: DataType): string {
  return t.kind === 'numeric' ? `numeric(${t.precision ?? ''},${t.scale ?? ''})` : t.kind;
}

function valueKey(value: Value): string {
  if (typeof value === 'object' && value !== null) return serialise(value);
  if (typeof value === 'string') return quote(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

/**
 * The plan cache's key: the whole bound statement, every expression, order, name and position of it.
 * Add catalog revision, policy revision and session settings to it.
 */
export function queryKey(statement: Statement): string {
  return serialise(statement);
}

/**
 * Text of a bound query from which it could be built again, so that two queries have the same text only when they are
 * the same. Of a table its name is enough: the catalog, which belongs to every key, says what columns it has.
 */
function serialise(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'bigint':
      return `${value}n`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(serialise).join(',')}]`;
      if (value instanceof Uint8Array) return `b[${value.join(',')}]`;
      return isTable(value) ? tableText(value) : propertiesText(value);
    default:
      return String(value);
  }
}

function isTable(value: object): value is TableRelation {
  return 'kind' in value && value.kind === 'table';
}

function tableText({ id, alias, table }: TableRelation): string {
  return `t(${quote(id)},${quote(alias)},${quote(table.source)},${quote(table.table)})`;
}

function propertiesText(value: object): string {
  let text = '{';
  for (const name in value) {
    const part: unknown = value[name as keyof typeof value];
    if (part !== undefined) text += `${name}:${serialise(part)},`;
  }
  return `${text}}`;
}
