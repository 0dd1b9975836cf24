import type { SubLink } from '@pgsql/types';
import type { BindContext, Env } from './bind-context.ts';
import type { Bind } from './bind-window.ts';
import type { Expr } from './expression.ts';
import { exprKey } from './key.ts';
import { comparable, isComparison } from './operators.ts';
import { type } from './types.ts';

/** A subquery in an expression: scalar, EXISTS, IN, ANY or ALL. */
export function bindSubquery(ctx: BindContext, env: Env, link: SubLink, bind: Bind): Expr {
  const { subLinkType, testexpr, operName, subselect, location } = link;
  if (subselect === undefined || !('SelectStmt' in subselect)) {
    throw ctx.unsupported('This subquery', location);
  }
  const outer = { ctes: env.ctes, parent: env.scope };
  const { query, columns } = ctx.bindQuery(subselect.SelectStmt, outer);
  if (subLinkType === 'EXISTS_SUBLINK') {
    return ctx.located({ kind: 'subquery', type: type.boolean, form: 'exists', query }, location);
  }
  if (subLinkType === 'ARRAY_SUBLINK') throw ctx.unsupported('ARRAY(…)', location);
  if (columns.length !== 1 || (testexpr !== undefined && 'RowExpr' in testexpr)) {
    if (testexpr !== undefined && 'RowExpr' in testexpr) {
      throw ctx.unsupported('A row compared with a subquery', location);
    }
    throw ctx.mismatch(`A subquery here must return one column, not ${columns.length}`, location);
  }
  const value = columns[0]!;
  if (testexpr === undefined) {
    return ctx.located({ kind: 'subquery', type: value.type, form: 'scalar', query }, location);
  }
  const last = operName?.at(-1);
  const operator = last !== undefined && 'String' in last ? (last.String.sval ?? '=') : '=';
  const fn = operator === '!=' ? '<>' : operator;
  if (!isComparison(fn)) throw ctx.unsupported(`Operator ${fn} with ANY or ALL`, location);
  const id = ctx.relationId();
  const column: Expr = { kind: 'column', type: value.type, relation: id, name: value.name };
  const [test, inner] = comparable(ctx, bind(ctx, env, testexpr), column, `Operator ${fn}:`);
  const form = subLinkType === 'ALL_SUBLINK' ? 'all' : 'any';
  return ctx.located(
    {
      kind: 'subquery',
      type: type.boolean,
      form,
      fn,
      test: test!,
      query: exprKey(inner!) === exprKey(column) ? query : projected(id, query, value, inner!),
    },
    location,
  );
}

/** `select expr from (query)`: when the column of a subquery has to be cast. */
function projected(
  id: string,
  query: ReturnType<BindContext['bindQuery']>['query'],
  column: { readonly name: string; readonly type: Expr['type']; readonly nullable: boolean },
  expr: Expr,
) {
  return {
    kind: 'select',
    from: [{ kind: 'query', id, alias: id, query, columns: [column] }],
    groupBy: [],
    aggregated: false,
    outputs: [{ name: column.name, expr }],
    distinct: false,
    orderBy: [],
  } as const;
}
