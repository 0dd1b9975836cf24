import type { Value } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { type Expr, transformExpr } from '@tessera/sql';

/** The plan with literals in place of its parameters. */
export function planWithValues(plan: ScanPlan, parameters: readonly Value[]): ScanPlan {
  if (parameters.length === 0) return plan;
  const bind = (expr: Expr): Expr =>
    transformExpr(expr, (each) =>
      each.kind === 'parameter'
        ? { kind: 'literal', type: each.type, value: parameters[each.index] ?? null }
        : undefined,
    );
  return {
    ...plan,
    lookups: plan.lookups.map((lookup) => ({
      ...lookup,
      on: lookup.on.map(({ expr, column }) => ({ expr: bind(expr), column })),
    })),
    ...(plan.filter === undefined ? {} : { filter: bind(plan.filter) }),
    groupBy: plan.groupBy.map(({ name, expr }) => ({ name, expr: bind(expr) })),
    aggregates: plan.aggregates.map((aggregate) => ({
      ...aggregate,
      args: aggregate.args.map(bind),
      ...(aggregate.filter === undefined ? {} : { filter: bind(aggregate.filter) }),
    })),
    ...(plan.topK === undefined
      ? {}
      : {
          topK: {
            ...plan.topK,
            orderBy: plan.topK.orderBy.map((o) => ({ ...o, expr: bind(o.expr) })),
          },
        }),
  };
}
