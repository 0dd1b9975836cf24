import { createHash } from 'node:crypto';
import { messageOf } from '@tessera/base';
import type { ScalingDecision, ScalingInput } from '../decision.ts';
import { type Circumstances, limitDecision, reasonNotToAsk } from '../limits/limit-decision.ts';
import type {
  LimitedDecision,
  QuotaShare,
  RescaleInFlight,
  ScalingLimits,
} from '../limits/limits.ts';
import type { LimitsMemory } from '../limits/memory.ts';
import {
  checkedOutcome,
  type StrategyFailure,
  type StrategyOutcome,
} from '../limits/strategy-outcome.ts';
import {
  checkedAnswer,
  type ScalingProposal,
  type VetoAnswer,
  type VetoOutcome,
  withVetoes,
} from '../limits/vetoes.ts';
import { type JobTopology, slotsOf } from '../topology.ts';

/**
 * One decision with everything that it came from, so that it can be made again. What the strategy had learned
 * before is in it, as JSON; what it learned by it is the `learnedBefore` of the next record, and here only a digest.
 */
export interface DecisionRecord {
  /** What the job is called. */
  readonly job: string;
  readonly strategy: StrategyUse;
  readonly input: ScalingInput;
  readonly limits: ScalingLimits;
  readonly memory: LimitsMemory;
  readonly quota?: QuotaShare;
  readonly inFlight?: RescaleInFlight;
  readonly outcome: RecordedOutcome;
  readonly vetoes: readonly VetoOutcome[];
  readonly result: LimitedDecision;
}

/** An outcome without what was learned: that is large, and comes again as `learnedBefore` of the next record. */
export type RecordedOutcome =
  | {
      readonly kind: 'decided';
      readonly decision: Omit<ScalingDecision, 'learned'>;
      /** SHA-256 of what was learned, as JSON with members sorted by name; hexadecimal. */
      readonly learnedDigest: string;
    }
  | Exclude<StrategyOutcome, { kind: 'decided' }>;

/** Which strategy was asked, and with what. */
export interface StrategyUse {
  /** Of its package: `@tessera/strategy-forecast`. */
  readonly name: string;
  readonly version: string;
  /** As JSON, defaults filled in. */
  readonly options: string;
  /** As JSON; absent: nothing. */
  readonly learnedBefore?: string;
}

/** A strategy or a veto that throws is one that gives no usable answer. What may hang is asked where it can be ended. */
export interface DecidingStrategy {
  decide(input: ScalingInput, learned: unknown): ScalingDecision;
}

/** A veto by its name. */
export interface NamedVeto {
  readonly name: string;
  review(proposal: ScalingProposal): VetoAnswer;
}

export function askStrategy(
  strategy: DecidingStrategy,
  input: ScalingInput,
  learned: string | undefined,
): StrategyOutcome {
  try {
    const before: unknown = learned === undefined ? undefined : JSON.parse(learned);
    return { kind: 'decided', decision: strategy.decide(input, before) };
  } catch (error) {
    return strategyThrew(error);
  }
}

export const strategyThrew = (error: unknown): StrategyFailure => ({
  kind: 'failed',
  code: 'STRATEGY_FAILED',
  message: `The strategy threw: ${messageOf(error)}`,
});

export function askVeto(veto: NamedVeto, proposal: ScalingProposal): VetoOutcome {
  try {
    return { veto: veto.name, answer: checkedAnswer(veto.review(proposal)) };
  } catch (error) {
    return { veto: veto.name, answer: { failed: `it threw: ${messageOf(error)}` } };
  }
}

/** What vetoes are to be asked about: the rescale that limits let through, if they do. */
export function proposalOf(
  answered: StrategyOutcome,
  circumstances: Circumstances,
): ScalingProposal | undefined {
  const { action, effects } = limitDecision(answered, circumstances);
  if (action.kind === 'hold') return undefined;
  const { input } = circumstances;
  const outcome = checkedOutcome(input.topology, answered);
  const own = outcome.kind === 'decided' ? outcome.decision.reasons : [];
  const reasons = [...own, ...effects.map(({ code, message }) => ({ code, message }))];
  const slots = slotsOf(input.topology, action.parallelism);
  return { input, parallelism: action.parallelism, slots, reasons };
}

/** Who decides. */
export interface DecidingJob {
  readonly job: string;
  /** With what it has learned until now. */
  readonly strategy: StrategyUse;
}

export interface RecordedDecision {
  readonly record: DecisionRecord;
  /** As JSON: what the next decision is given. A strategy that failed keeps what it had. */
  readonly learned?: string;
}

/** Limits an answer, and writes all down. */
export function recordDecision(
  { job, strategy }: DecidingJob,
  circumstances: Circumstances,
  answered: StrategyOutcome,
  vetoes: readonly VetoOutcome[],
): RecordedDecision {
  const { input, limits, memory, quota, inFlight } = circumstances;
  const { outcome, learned = strategy.learnedBefore } = stored(input.topology, answered);
  const record: DecisionRecord = {
    job,
    strategy,
    input,
    limits,
    memory,
    ...(quota !== undefined && { quota }),
    ...(inFlight !== undefined && { inFlight }),
    outcome: recorded(outcome, learned),
    vetoes,
    result: withVetoes(limitDecision(outcome, circumstances), vetoes),
  };
  return learned === undefined ? { record } : { record, learned };
}

/** One whole decision: asks the strategy if it may be asked, limits the answer, asks the vetoes. */
export function decideWithin(
  by: DecidingJob,
  circumstances: Circumstances,
  strategy: DecidingStrategy,
  vetoes: readonly NamedVeto[] = [],
): RecordedDecision {
  const ask = () => askStrategy(strategy, circumstances.input, by.strategy.learnedBefore);
  const answered = reasonNotToAsk(circumstances) ?? ask();
  const proposal = proposalOf(answered, circumstances);
  const said = proposal === undefined ? [] : vetoes.map((veto) => askVeto(veto, proposal));
  return recordDecision(by, circumstances, answered, said);
}

/** The outcome as it counts, and what was learned as JSON; what JSON cannot hold could not be handed back. */
function stored(
  topology: JobTopology,
  answered: StrategyOutcome,
): { readonly outcome: StrategyOutcome; readonly learned?: string } {
  const outcome = checkedOutcome(topology, answered);
  if (outcome.kind !== 'decided') return { outcome };
  try {
    const learned: string | undefined = JSON.stringify(outcome.decision.learned);
    if (learned !== undefined) return { outcome, learned };
  } catch {
    // It is cyclic, or has a bigint in it.
  }
  const message = "The strategy's answer is not used: what it learned does not survive JSON.";
  return { outcome: { kind: 'failed', code: 'STRATEGY_OUTPUT_INVALID', message } };
}

function recorded(outcome: StrategyOutcome, learned: string | undefined): RecordedOutcome {
  if (outcome.kind !== 'decided') return outcome;
  const { learned: _, ...decision } = outcome.decision;
  const learnedDigest = createHash('sha256').update(sortedJson(learned)).digest('hex');
  return { kind: 'decided', decision, learnedDigest };
}

/** With members in the order of their names: what has been on the wire has them in another one. */
function sortedJson(text = 'null'): string {
  return JSON.stringify(JSON.parse(text), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
