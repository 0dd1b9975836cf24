import type { Expr } from './expression.ts';
import type { Query, SelectBlock } from './query.ts';
import { leavesOf, walkExpr, walkQuery } from './walk.ts';

/** Every SELECT of a statement: in FROM, under set operations, and in subqueries of expressions. */
export function selectBlocks(query: Query): SelectBlock[] {
  const blocks: SelectBlock[] = [];
  const visit = (part: Query): void => {
    if (part.kind === 'set') {
      visit(part.left);
      visit(part.right);
    }
    if (part.kind !== 'select') return;
    blocks.push(part);
    for (const leaf of leavesOf(part.from)) if (leaf.kind === 'query') visit(leaf.query);
  };
  visit(query);
  walkQuery(query, (top) =>
    walkExpr(top, (expr) => {
      if (expr.kind === 'subquery') blocks.push(...selectBlocks(expr.query));
      return true;
    }),
  );
  return blocks;
}

/** By relation id: the names of the columns that the statement refers to anywhere, also inside subqueries. */
export function usedColumns(query: Query): ReadonlyMap<string, ReadonlySet<string>> {
  const used = new Map<string, Set<string>>();
  walkQuery(query, (top) =>
    walkExpr(
      top,
      (expr: Expr) => {
        if (expr.kind !== 'column') return;
        const names = used.get(expr.relation);
        if (names === undefined) used.set(expr.relation, new Set([expr.name]));
        else names.add(expr.name);
      },
      { queries: true },
    ),
  );
  return used;
}
