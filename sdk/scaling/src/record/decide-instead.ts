import { nothingRemembered } from '../limits/memory.ts';
import {
  type DecidingStrategy,
  type DecisionRecord,
  decideWithin,
  type StrategyUse,
} from './decision-record.ts';

/** A decision that was made, and what another strategy would have made of the same. */
export interface Alternative {
  readonly recorded: DecisionRecord;
  readonly instead: DecisionRecord;
}

/**
 * What another strategy would have decided at each of these moments, with the limits of then; the job has the size that it
 * really had. The strategy learns from one record to the next, and so from no more than they hold; the same package
 * with other options goes on from what was learned then. Vetoes are not asked.
 */
export function decideInstead(
  records: readonly DecisionRecord[],
  use: Omit<StrategyUse, 'learnedBefore'>,
  strategy: DecidingStrategy,
): readonly Alternative[] {
  const learnedOf = new Map<string, string>();
  return records.map((recorded) => {
    const { job, strategy: then, memory } = recorded;
    const before = then.name === use.name ? then.learnedBefore : learnedOf.get(job);
    const own = before === undefined ? use : { ...use, learnedBefore: before };
    const { failures, askAgainMs } = nothingRemembered; // It was the other one that failed.
    const circumstances = { ...recorded, memory: { ...memory, failures, askAgainMs } };
    const { record, learned } = decideWithin({ job, strategy: own }, circumstances, strategy);
    if (learned !== undefined) learnedOf.set(job, learned);
    return { recorded, instead: record };
  });
}
