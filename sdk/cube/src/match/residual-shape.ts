import { and, call, type Expr, lit, type SelectBlock, transformExpr, type } from '@tessera/sql';
import { castTo, column } from './expressions.ts';
import type { KeyNeed, NeedLedger } from './need-ledger.ts';
import { type Partial, sumType } from './partial.ts';

/** The clauses of a block over the columns of its matched relation. */
export interface MappedBlock {
  readonly having: Expr[];
  readonly outputs: SelectBlock['outputs'];
  readonly distinct: SelectBlock['distinct'];
  readonly orderBy: SelectBlock['orderBy'];
}

/** A block whose groups are the rows of the relation. */
export function plainBlock({
  having,
  outputs,
  distinct,
  orderBy,
}: MappedBlock): Omit<SelectBlock, 'from'> {
  const where = and(...having);
  return {
    kind: 'select',
    ...(where === undefined ? {} : { where }),
    groupBy: [],
    aggregated: false,
    outputs,
    distinct,
    orderBy,
  };
}

/** A block over more keys than its own: it groups again, and each partial is merged on the way. */
export function regroupedBlock({
  mapped,
  keys,
  above,
  partials,
  relation,
}: {
  readonly mapped: MappedBlock;
  /** Columns of the block's own group keys. */
  readonly keys: readonly Expr[];
  /** Conditions on the rows of the relation. */
  readonly above: readonly Expr[];
  readonly partials: readonly Partial[];
  readonly relation: string;
}): Omit<SelectBlock, 'from'> {
  const merge = (expr: Expr): Expr => mergePartials(expr, partials, relation);
  const where = and(...above);
  // With nothing to group by there is one row, also when no output is an aggregate: HAVING says so.
  const alone = keys.length === 0 ? lit.boolean(true) : undefined;
  const having = and(...mapped.having.map(merge)) ?? alone;
  return {
    kind: 'select',
    ...(where === undefined ? {} : { where }),
    groupBy: keys,
    aggregated: true,
    ...(having === undefined ? {} : { having }),
    outputs: mapped.outputs.map(({ name, expr }) => ({ name, expr: merge(expr) })),
    distinct: typeof mapped.distinct === 'boolean' ? mapped.distinct : mapped.distinct.map(merge),
    orderBy: mapped.orderBy.map((item) => ({ ...item, expr: merge(item.expr) })),
  };
}

/** The matched relation, with each distinct count joined to it by the keys, NULL equal to NULL. */
export function matchedFrom(
  { keys, distincts, relation }: NeedLedger,
  partials: readonly Partial[],
): SelectBlock['from'] {
  const fields = keys.map(({ name, type: t }) => ({ name, type: t, nullable: true }));
  const sums = partials.map(({ name, type: t, fn }) => ({
    name,
    type: t,
    nullable: fn !== 'count',
  }));
  const counts = distincts.map((distinct) => ({
    kind: 'matched' as const,
    id: distinct.relation,
    columns: [...fields, { name: 'distinct', type: type.bigint, nullable: true }],
  }));
  const rows = { kind: 'matched' as const, id: relation, columns: [...fields, ...sums] };
  if (rows.columns.length === 0 && counts.length > 0) return counts;
  return [
    counts.reduce<SelectBlock['from'][number]>((left, right) => {
      const on = and(...keys.map((key) => sameKey(key, relation, right.id)));
      return { kind: 'join', type: 'left', left, right, on: on ?? lit.boolean(true) };
    }, rows),
  ];
}

function sameKey(key: KeyNeed, left: string, right: string): Expr {
  const sides = [left, right].map((relation) => column(relation, key.name, key.type));
  return call('not', type.boolean, [call('is_distinct', type.boolean, sides)]);
}

/** Columns of partials become aggregates that merge them. */
function mergePartials(expr: Expr, partials: readonly Partial[], relation: string): Expr {
  return transformExpr(expr, (inner) => {
    if (inner.kind !== 'column' || inner.relation !== relation) return undefined;
    const partial = partials.find(({ name }) => name === inner.name);
    if (partial === undefined) return undefined;
    const extreme = partial.fn === 'min' || partial.fn === 'max';
    const merged: Expr = {
      kind: 'aggregate',
      type: extreme ? inner.type : sumType(inner.type),
      fn: extreme ? partial.fn : 'sum',
      args: [inner],
      distinct: false,
    };
    const typed = castTo(merged, inner.type);
    return partial.fn === 'count' ? call('coalesce', type.bigint, [typed, lit.bigint(0n)]) : typed;
  });
}
