import type { StrategyOutcome } from '../limits/strategy-outcome.ts';
import {
  askStrategy,
  type DecidingStrategy,
  type DecisionRecord,
  recordDecision,
  type StrategyUse,
} from './decision-record.ts';

/** What making a decision again showed. */
export interface Replay {
  /** True: every bit of what was decided is the same again. */
  readonly identical: boolean;
  /** Where it is not, at most twenty places. */
  readonly differences: readonly Difference[];
  /** False: the strategy was not asked, then or now, or had been ended at its deadline: only the limits were. */
  readonly strategyAsked: boolean;
}

export interface Difference {
  /** Such as `outcome.decision.action.kind`. */
  readonly path: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

const mostDifferences = 20;

/** Makes a decision again from its record, and compares every number by its bits. What vetoes said is taken as said. */
export function replay(record: DecisionRecord, strategy: DecidingStrategy): Replay {
  const { job, strategy: use, outcome, result, vetoes } = record;
  const fixed = fixedOutcome(record);
  const answered = fixed ?? askStrategy(strategy, record.input, use.learnedBefore);
  const again = recordDecision({ job, strategy: use }, record, answered, vetoes).record;
  const differences = differencesOf(
    { outcome, result },
    { outcome: again.outcome, result: again.result },
  );
  return { identical: differences.length === 0, differences, strategyAsked: fixed === undefined };
}

/** Deadlines depend on the machine, and who was not asked then, or could not be loaded, is not asked now. */
function fixedOutcome({ outcome, strategy }: DecisionRecord): StrategyOutcome | undefined {
  if (outcome.kind === 'notAsked') return outcome;
  if (outcome.kind === 'failed' && !wasLoaded(strategy)) return outcome;
  return outcome.kind === 'failed' && outcome.code === 'STRATEGY_TIMED_OUT' ? outcome : undefined;
}

/** A strategy tells its version once it is loaded. */
const wasLoaded = ({ version }: StrategyUse): boolean => version !== '';

/** True: to make the decision again its strategy is needed. */
export const asksStrategy = (record: DecisionRecord): boolean => fixedOutcome(record) === undefined;

/** Where two values differ: numbers by bits (but 0 is -0), members that are undefined as absent ones. */
export function differencesOf(recorded: unknown, replayed: unknown): readonly Difference[] {
  const found: Difference[] = [];
  compare('', recorded, replayed);
  return found;

  function compare(path: string, a: unknown, b: unknown): void {
    if (a === b || Object.is(a, b) || found.length >= mostDifferences) return;
    if (!isNested(a) || !isNested(b) || Array.isArray(a) !== Array.isArray(b)) {
      found.push({ path, recorded: a, replayed: b });
      return;
    }
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(path === '' ? key : `${path}.${key}`, a[key], b[key]);
    }
  }
}

const isNested = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
