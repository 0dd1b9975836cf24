import type { Field } from '@tessera/columnar';
import { type Expr, exprKey, lit, type Query, type SelectBlock, transformExpr } from '@tessera/sql';
import { castTo, column } from './expressions.ts';

/**
 * GROUPING SETS as UNION ALL of plain blocks, one per set, so that each is matched by itself. Above the union stays what
 * sees all sets at once: windows, DISTINCT, ORDER BY, LIMIT.
 */
export interface ExpandedSets {
  readonly blocks: readonly SelectBlock[];
  /** The statement's block over what stands for each of `blocks`, in the same order. */
  readonly assemble: (blocks: readonly Query[]) => SelectBlock;
}

interface Gathered {
  readonly name: string;
  readonly expr: Expr;
}

/** `id` names relations that are not in the statement yet: `id` itself and `id_1`, `id_2` … */
export function expandGroupingSets(block: SelectBlock, id: string): ExpandedSets {
  const gathered = new Map<string, Gathered>();
  const grouped = new Set(block.groupBy.map(exprKey));
  const gather = (expr: Expr): Expr =>
    transformExpr(
      expr,
      (inner) => {
        const wanted =
          grouped.has(exprKey(inner)) || inner.kind === 'aggregate' || isGrouping(inner);
        if (!wanted || inner.kind === 'literal') return undefined;
        const key = exprKey(inner);
        const known = gathered.get(key) ?? { name: `g${gathered.size}`, expr: inner };
        gathered.set(key, known);
        return column(id, known.name, inner.type);
      },
      { queries: true },
    );
  const { from: _, where: __, groupBy: ___, groupingSets, having, ...rest } = block;
  const above = {
    ...rest,
    groupBy: [],
    aggregated: false,
    outputs: block.outputs.map(({ name, expr }) => ({ name, expr: gather(expr) })),
    distinct: typeof block.distinct === 'boolean' ? block.distinct : block.distinct.map(gather),
    orderBy: block.orderBy.map((item) => ({ ...item, expr: gather(item.expr) })),
  };
  if (gathered.size === 0) gathered.set('', { name: 'g0', expr: lit.int(1) });
  const outputs = [...gathered.values()];
  const schema = outputs.map(({ name, expr }) => ({ name, type: expr.type, nullable: true }));
  const sets = groupingSets ?? [block.groupBy.map((_expr, i) => i)];
  return {
    blocks: sets.map((set) => blockOfSet(block, set, outputs, having)),
    assemble: (blocks) => ({
      ...above,
      from: [{ kind: 'query', id, alias: id, query: unionOf(blocks, id, schema), columns: schema }],
    }),
  };
}

function isGrouping(expr: Expr): boolean {
  return expr.kind === 'call' && expr.fn === 'grouping';
}

function blockOfSet(
  block: SelectBlock,
  set: readonly number[],
  outputs: readonly Gathered[],
  having: Expr | undefined,
): SelectBlock {
  const kept = new Set(set.map((i) => exprKey(block.groupBy[i]!)));
  const all = new Set(block.groupBy.map(exprKey));
  const inSet = (expr: Expr): Expr =>
    transformExpr(
      expr,
      (inner) => {
        if (inner.kind === 'aggregate') return inner;
        if (isGrouping(inner)) return groupingValue(inner, kept);
        const key = exprKey(inner);
        if (!all.has(key)) return undefined;
        return kept.has(key) ? inner : castTo(lit.null(inner.type), inner.type);
      },
      { queries: true },
    );
  // The empty set has one row, also when no output is an aggregate: HAVING says so.
  const alone = set.length === 0 ? lit.boolean(true) : undefined;
  const condition = having === undefined ? alone : inSet(having);
  return {
    kind: 'select',
    from: block.from,
    ...(block.where === undefined ? {} : { where: block.where }),
    groupBy: set.map((i) => block.groupBy[i]!),
    aggregated: true,
    ...(condition === undefined ? {} : { having: condition }),
    outputs: outputs.map(({ name, expr }) => ({ name, expr: inSet(expr) })),
    distinct: false,
    orderBy: [],
  };
}

/** One bit per argument, the last the least: 1 where the set does not group by it. */
function groupingValue(expr: Expr, kept: ReadonlySet<string>): Expr {
  const args = expr.kind === 'call' ? expr.args : [];
  return lit.int(args.reduce((bits, arg) => bits * 2 + (kept.has(exprKey(arg)) ? 0 : 1), 0));
}

function unionOf(blocks: readonly Query[], id: string, schema: readonly Field[]): Query {
  return blocks.reduce((left, right, i) => ({
    kind: 'set',
    id: `${id}_${i}`,
    op: 'union',
    all: true,
    left,
    right,
    schema,
    orderBy: [],
  }));
}
