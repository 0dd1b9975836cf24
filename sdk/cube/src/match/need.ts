import { type Expr, exprKey, type ParameterValues, type SelectBlock } from '@tessera/sql';
import { AggregateSplitter } from './aggregates.ts';
import { type JoinNeeds, joinNeedsOf } from './join-needs.ts';
import { type DistinctNeed, type KeyNeed, NeedLedger, type NotAnswered } from './need-ledger.ts';
import { type Partial, type PartialContext, partsOf } from './partial.ts';
import { ResidualBuilder } from './residual.ts';
import type { RewriteContext } from './rewrite.ts';
import { type ConditionNeed, splitConditions } from './split-conditions.ts';
import type { StarMatch } from './star.ts';
import { type PartitionColumn, type TimeBound, timeBoundOf } from './time-filter.ts';
import { everything, intersect, type TimeSet } from './time-set.ts';
import { dependsOnZone } from './zone-dependence.ts';

/** What a block needs of a model, whatever layouts there are, and what is left of the block above it. */
export interface BlockNeed extends JoinNeeds {
  readonly match: StarMatch;
  readonly context: RewriteContext;
  readonly partialContext: PartialContext;
  /** The first are those of the block itself. */
  readonly keys: readonly KeyNeed[];
  readonly conditions: readonly ConditionNeed[];
  readonly partials: readonly Partial[];
  readonly distincts: readonly DistinctNeed[];
  /** Partition values that can pass the conditions. */
  readonly times: TimeSet;
  /** What is left of the block, over `relation` and the relations of `distincts`. */
  readonly residual: SelectBlock;
  readonly relation: string;
}

export interface NeedOptions {
  readonly relation: string;
  readonly sessionZone: string;
  readonly parameters: ParameterValues | undefined;
  /** How exact distinct counts are computed: from bitmaps, or by grouping by their argument as well. */
  readonly distinct: 'bits' | 'group';
}

/** `block` is aggregated, without grouping sets, and its FROM is the star of `match`. */
export function needOf(
  block: SelectBlock,
  match: StarMatch,
  options: NeedOptions,
): BlockNeed | NotAnswered {
  const ledger = new NeedLedger(match, options);
  const { context, partialContext, relation } = ledger;
  if (meansOtherZone(block, match, context)) ledger.refuse('TIME_ZONE');
  const { scan, above, always } = splitConditions(ledger, boundsOf(match, context));
  for (const expr of block.groupBy) ledger.addKey(ledger.toModel(expr));
  const computable = ledger.computable.bind(ledger);
  const splitter = new AggregateSplitter(relation, partialContext, computable, always);
  const residual = new ResidualBuilder({
    ...{ block, ledger, splitter, always, distinct: options.distinct },
  }).build(above);
  return (
    ledger.notAnswered() ?? {
      match,
      context,
      partialContext,
      keys: ledger.keys,
      conditions: scan,
      partials: splitter.partials,
      distincts: ledger.distincts,
      times: scan.reduce((set, { bound }) => intersect(set, bound?.set ?? everything), everything),
      ...joinNeedsOf(
        match,
        scan.map(({ expr }) => context.canonical(expr)),
      ),
      residual,
      relation,
    }
  );
}

export function isNeed(need: BlockNeed | NotAnswered): need is BlockNeed {
  return 'residual' in need;
}

/** What a measure computes may be another value in the model's zone than the same words are in the session's. */
function meansOtherZone(
  { groupBy, outputs, having, orderBy }: SelectBlock,
  { conditions }: StarMatch,
  { model, sessionZone }: RewriteContext,
): boolean {
  if (sessionZone === model.timeZone) return false;
  const asked = [
    ...groupBy,
    ...conditions,
    ...outputs.map(({ expr }) => expr),
    ...(having === undefined ? [] : [having]),
    ...orderBy.map(({ expr }) => expr),
  ];
  const kept = partsOf(model).flatMap(({ arg, filter }) => [arg, filter]);
  return (
    asked.some(dependsOnZone) && kept.some((expr) => expr !== undefined && dependsOnZone(expr))
  );
}

/** What a condition says of the partition column. */
function boundsOf(
  { model: { partition } }: StarMatch,
  { canonical, sessionZone, parameters }: RewriteContext,
): (condition: Expr) => TimeBound | undefined {
  if (partition === undefined) return () => undefined;
  const own: PartitionColumn = {
    key: exprKey(canonical(partition.column)),
    type: partition.column.type,
    utc: sessionZone === 'UTC',
    ...(partition.format === undefined ? {} : { format: partition.format }),
  };
  return (condition) => timeBoundOf(canonical(condition), own, parameters);
}
