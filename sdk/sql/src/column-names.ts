import type { Node } from '@pgsql/types';

/** The name PostgreSQL gives an output column without AS. */
export function columnName(node: Node): string {
  return strongName(node)?.name ?? '?column?';
}

/** `weak` names (a type, `case`) give way to a stronger name around them. */
interface Name {
  readonly name: string;
  readonly weak?: boolean;
}

function strongName(node: Node | undefined): Name | undefined {
  if (node === undefined) return undefined;
  if ('ColumnRef' in node) return lastString(node.ColumnRef.fields);
  if ('FuncCall' in node) return lastString(node.FuncCall.funcname);
  if ('TypeCast' in node) {
    const inner = strongName(node.TypeCast.arg);
    if (inner !== undefined && !inner.weak) return inner;
    const name = lastString(node.TypeCast.typeName?.names);
    return name === undefined ? undefined : { ...name, weak: true };
  }
  if ('CollateClause' in node) return strongName(node.CollateClause.arg);
  if ('CaseExpr' in node) {
    const inner = strongName(node.CaseExpr.defresult);
    return inner !== undefined && !inner.weak ? inner : { name: 'case', weak: true };
  }
  if ('A_Expr' in node) return node.A_Expr.kind === 'AEXPR_NULLIF' ? { name: 'nullif' } : undefined;
  if ('CoalesceExpr' in node) return { name: 'coalesce' };
  if ('MinMaxExpr' in node) {
    return { name: node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest' };
  }
  if ('GroupingFunc' in node) return { name: 'grouping' };
  if ('SQLValueFunction' in node) {
    return { name: (node.SQLValueFunction.op ?? '').replace('SVFOP_', '').toLowerCase() };
  }
  return 'SubLink' in node ? subqueryName(node) : undefined;
}

function subqueryName(node: Extract<Node, { SubLink: unknown }>): Name | undefined {
  const { subLinkType, subselect } = node.SubLink;
  if (subLinkType === 'EXISTS_SUBLINK') return { name: 'exists' };
  if (subLinkType !== 'EXPR_SUBLINK' || !subselect || !('SelectStmt' in subselect))
    return undefined;
  let select = subselect.SelectStmt;
  while (select.larg !== undefined) select = select.larg;
  const target = select.targetList?.[0];
  if (target === undefined || !('ResTarget' in target)) return undefined;
  const { name, val } = target.ResTarget;
  return name === undefined ? strongName(val) : { name };
}

function lastString(nodes: readonly Node[] | undefined): Name | undefined {
  const last = nodes?.at(-1);
  return last !== undefined && 'String' in last && last.String.sval !== undefined
    ? { name: last.String.sval }
    : undefined;
}
