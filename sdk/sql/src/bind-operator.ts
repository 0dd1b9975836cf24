import type { A_Expr, Node } from '@pgsql/types';
import type { TypeKind } from '@tessera/columnar';
import type { BindContext } from './bind-context.ts';
import { coerce } from './coerce.ts';
import { brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { isLiteral, lit } from './literal.ts';
import { binary, comparable, comparison, membership, negate, scalarCall } from './operators.ts';
import { type } from './types.ts';
import { call, not } from './walk.ts';

/** Binds an operand where the operator stands. */
type BindOperand = (node: Node) => Expr;

/** Binds an operator, IN, LIKE, BETWEEN, NULLIF or = ANY of the parse tree. */
export function bindOperator(ctx: BindContext, bind: BindOperand, expr: A_Expr): Expr {
  const { kind, name = [], lexpr, rexpr, location } = expr;
  const last = name.at(-1);
  const operator = last !== undefined && 'String' in last ? (last.String.sval ?? '') : '';
  switch (kind) {
    case 'AEXPR_OP':
      return bindPlain(ctx, bind, operator, lexpr, rexpr!, location);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const sides = comparable(ctx, bind(lexpr!), bind(rexpr!), 'IS DISTINCT FROM:');
      const test = call('is_distinct', type.boolean, sides);
      return ctx.located(kind === 'AEXPR_DISTINCT' ? test : not(test), location);
    }
    case 'AEXPR_NULLIF': {
      const sides = [bind(lexpr!), bind(rexpr!)];
      return ctx.located(nullIf(ctx, sides[0]!, sides[1]!), location);
    }
    case 'AEXPR_IN':
      return bindIn(ctx, bind, lexpr!, listItems(rexpr), operator === '<>', location);
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return bindLike(ctx, bind, expr, operator);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return bindBetween(ctx, bind, expr);
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return bindAnyArray(ctx, bind, expr, operator);
    default:
      throw ctx.unsupported('SIMILAR TO', location);
  }
}

/** Types of these families are compared without a cast, so that NULLIF keeps the type of its left side. */
const crossFamilies: readonly (readonly TypeKind[])[] = [
  ['smallint', 'integer', 'bigint'],
  ['real', 'double'],
  ['date', 'timestamp', 'timestamptz'],
];

function nullIf(ctx: BindContext, left: Expr, right: Expr): Expr {
  const family = crossFamilies.find((f) => f.includes(left.type.kind));
  if (family?.includes(right.type.kind)) return call('nullif', left.type, [left, right]);
  const sides = comparable(ctx, left, right, 'NULLIF:');
  return call('nullif', sides[0]!.type, sides);
}

function bindPlain(
  ctx: BindContext,
  bind: BindOperand,
  operator: string,
  lexpr: Node | undefined,
  rexpr: Node,
  location: number | undefined,
): Expr {
  if (lexpr === undefined) {
    const arg = bind(rexpr);
    if (operator === '-') return negate(ctx, arg, location);
    if (operator !== '+') throw ctx.unsupported(`Operator ${operator}`, location);
    return arg.type.kind === 'unknown' ? coerce(ctx, arg, type.double) : arg;
  }
  if ('RowExpr' in lexpr && 'RowExpr' in rexpr) {
    const equal = rowEquality(ctx, bind, lexpr.RowExpr.args ?? [], rexpr, location);
    if (operator === '=') return equal;
    if (operator === '<>' || operator === '!=') return not(equal);
    throw ctx.unsupported(`Operator ${operator} of rows`, location);
  }
  return binary(ctx, operator, bind(lexpr), bind(rexpr), location);
}

function rowEquality(
  ctx: BindContext,
  bind: BindOperand,
  left: readonly Node[],
  right: Node,
  location: number | undefined,
): Expr {
  const items = 'RowExpr' in right ? (right.RowExpr.args ?? []) : [];
  if (items.length !== left.length || left.length === 0) {
    throw ctx.mismatch('Rows of different sizes cannot be compared', location);
  }
  const terms = left.map((node, i) => comparison(ctx, '=', bind(node), bind(items[i]!), location));
  return terms.length === 1 ? terms[0]! : call('and', type.boolean, terms);
}

const listItems = (node: Node | undefined): readonly Node[] =>
  node !== undefined && 'List' in node ? (node.List.items ?? []) : node === undefined ? [] : [node];

function bindIn(
  ctx: BindContext,
  bind: BindOperand,
  test: Node,
  items: readonly Node[],
  negative: boolean,
  location: number | undefined,
): Expr {
  if ('RowExpr' in test) {
    const left = test.RowExpr.args ?? [];
    const terms = items.map((item) => rowEquality(ctx, bind, left, item, location));
    const any = terms.length === 1 ? terms[0]! : call('or', type.boolean, terms);
    return ctx.located(negative ? not(any) : any, location);
  }
  const list = items.map((item) => bind(item));
  return membership(ctx, bind(test), list, negative, location);
}

function bindLike(ctx: BindContext, bind: BindOperand, expr: A_Expr, operator: string): Expr {
  const { lexpr, rexpr, location } = expr;
  const escaped = 'FuncCall' in rexpr! ? rexpr.FuncCall : undefined;
  const isEscape = escaped?.funcname?.some((n) => 'String' in n && n.String.sval === 'like_escape');
  const patterns = isEscape ? (escaped?.args ?? []) : [rexpr!];
  const args = [lexpr!, ...patterns].map((n) => bind(n));
  const fn = operator.endsWith('*') ? 'ilike' : 'like';
  const escapeCharacter = args[2];
  if (
    escapeCharacter !== undefined &&
    (!isLiteral(escapeCharacter) || [...String(escapeCharacter.value ?? '')].length > 1)
  ) {
    throw brokenRule('INVALID_LITERAL', 'ESCAPE takes one character', ctx.at(location));
  }
  const test = scalarCall(ctx, fn, args, location);
  return operator.startsWith('!') ? not(test) : test;
}

function bindBetween(ctx: BindContext, bind: BindOperand, expr: A_Expr): Expr {
  const { kind = '', lexpr, rexpr, location } = expr;
  const [lowNode, highNode] = listItems(rexpr);
  const test = bind(lexpr!);
  const [low, high] = [bind(lowNode!), bind(highNode!)];
  const within = (from: Expr, to: Expr): Expr =>
    call('and', type.boolean, [
      comparison(ctx, '>=', test, from, location),
      comparison(ctx, '<=', test, to, location),
    ]);
  const range = kind.endsWith('SYM')
    ? call('or', type.boolean, [within(low, high), within(high, low)])
    : within(low, high);
  return ctx.located(kind.includes('NOT') ? not(range) : range, location);
}

/** `x = any (array[…])` is an IN list. */
function bindAnyArray(ctx: BindContext, bind: BindOperand, expr: A_Expr, operator: string): Expr {
  const { kind, lexpr, rexpr, location } = expr;
  const any = kind === 'AEXPR_OP_ANY';
  if (
    rexpr === undefined ||
    !('A_ArrayExpr' in rexpr) ||
    (operator !== '=') !== (!any && operator === '<>')
  ) {
    throw ctx.unsupported('ANY and ALL over an array', location);
  }
  const items = rexpr.A_ArrayExpr.elements ?? [];
  if (items.length === 0) return ctx.located(lit.boolean(!any), location);
  return bindIn(ctx, bind, lexpr!, items, !any, location);
}
