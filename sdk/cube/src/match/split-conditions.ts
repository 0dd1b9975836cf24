import { conjuncts, type Expr } from '@tessera/sql';
import { hasSubquery } from './expressions.ts';
import type { NeedLedger } from './need-ledger.ts';
import { partsOf } from './partial.ts';
import { withoutBetween } from './rewrite.ts';
import type { TimeBound } from './time-filter.ts';

/** Where each condition of a block is evaluated. */
export interface SplitConditions {
  /** By the scan, with what it means for the partition column. */
  readonly scan: readonly ConditionNeed[];
  /** Above the scan. */
  readonly above: readonly Expr[];
  /** Inside every aggregate, as a measure's filter. */
  readonly always: readonly Expr[];
}

export interface ConditionNeed {
  readonly expr: Expr;
  /** Set when the condition is exactly a set of partition values. */
  readonly bound: TimeBound | undefined;
}

/** What can be evaluated nowhere is noted in the ledger as lacking. */
export function splitConditions(
  ledger: NeedLedger,
  boundOf: (condition: Expr) => TimeBound | undefined,
): SplitConditions {
  const split = { scan: [] as ConditionNeed[], above: [] as Expr[], always: [] as Expr[] };
  let filters: ReadonlySet<string> | undefined;
  const isMeasureFilter = (expr: Expr): boolean => {
    filters ??= measureFiltersOf(ledger);
    return filters.has(ledger.keyOf(expr));
  };
  for (const expr of ledger.match.conditions.map(withoutBetween).flatMap(conjuncts)) {
    if (hasSubquery(expr)) {
      split.above.push(expr);
      continue;
    }
    const bound = boundOf(expr);
    if (bound?.exact || ledger.tries(expr)) split.scan.push({ expr, bound });
    else if (isMeasureFilter(expr)) split.always.push(expr);
    else ledger.require(expr);
  }
  return split;
}

/** Keys of the terms of all filters of measures. */
function measureFiltersOf(ledger: NeedLedger): ReadonlySet<string> {
  const filters = partsOf(ledger.context.model).flatMap(({ filter }) => conjuncts(filter));
  return new Set(filters.map((term) => ledger.keyOf(term)));
}
