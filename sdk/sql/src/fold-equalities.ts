import type { CallExpr, Expr, LiteralExpr } from './expression.ts';
import { exprKey } from './key.ts';
import { isLiteral } from './literal.ts';
import { type } from './types.ts';
import { call, not, walkExpr } from './walk.ts';

/** Fewer comparisons of one operand than this stay as they were written. */
const worthFolding = 8;

interface Comparison {
  readonly operand: Expr;
  readonly constant: LiteralExpr;
  readonly key: string;
}

/**
 * Terms of an OR with its many `x = constant` of one operand as one `x in (…)`, and of an AND with its many
 * `x <> constant` as one `not x in (…)`. They are equal in three-valued logic, also for NULL on either side, and
 * everything that reads the statement later has one node instead of thousands. The list stands where its first
 * comparison stood. `keep`: keys of terms that must stay by themselves.
 */
export function foldEqualities(
  fn: 'and' | 'or',
  terms: readonly Expr[],
  keep: () => ReadonlySet<string>,
): readonly Expr[] {
  if (terms.length < worthFolding) return terms;
  const kept = keep();
  const free = (term: Expr): boolean => kept.size === 0 || !kept.has(exprKey(term));
  const found = terms.map((term) => (free(term) ? comparisonOf(fn, term) : undefined));
  const groups = new Map<string, Comparison[]>();
  for (const comparison of found) {
    if (comparison === undefined) continue;
    const group = groups.get(comparison.key);
    if (group === undefined) groups.set(comparison.key, [comparison]);
    else group.push(comparison);
  }
  return terms.flatMap((term, i): Expr[] => {
    const comparison = found[i];
    const group = comparison && groups.get(comparison.key)!;
    if (group === undefined || group.length < worthFolding) return [term];
    return group[0] === comparison ? [listOf(fn, group)] : [];
  });
}

/** `constant = x` too; `undefined` for what is no comparison with a constant of the operand's own type. */
function comparisonOf(fn: 'and' | 'or', term: Expr): Comparison | undefined {
  if (term.kind !== 'call' || term.fn !== (fn === 'or' ? '=' : '<>')) return undefined;
  const [left, right] = term.args as [Expr, Expr];
  const [operand, constant] = isLiteral(left) ? [right, left] : [left, right];
  if (!isLiteral(constant) || isLiteral(operand)) return undefined;
  if (constant.type.kind !== operand.type.kind || hasQuery(operand)) return undefined;
  const { kind } = constant.type;
  const scale = constant.type.kind === 'numeric' ? `${constant.type.scale}` : '';
  return { operand, constant, key: `${kind}${scale}/${exprKey(operand)}` };
}

function hasQuery(expr: Expr): boolean {
  let found = false;
  walkExpr(expr, ({ kind }) => {
    found ||= kind === 'subquery';
    return !found;
  });
  return found;
}

function listOf(fn: 'and' | 'or', group: readonly Comparison[]): Expr {
  const constants = new Map(group.map(({ constant }) => [exprKey(constant), constant]));
  const args = [group[0]!.operand, ...constants.values()];
  const list: CallExpr = call(args.length === 2 ? '=' : 'in', type.boolean, args);
  return fn === 'or' ? list : not(list);
}
