import {
  type Circumstances,
  checkedOutcome,
  type JobTopology,
  nothingRemembered,
  proposalOf,
  type RecordedDecision,
  reasonNotToAsk,
  recordDecision,
  type ScalingInput,
  type ScalingProposal,
  type StrategyOutcome,
  type StrategyUse,
  samplesAfter,
  slotsOf,
  type VetoOutcome,
} from '@tessera/scaling';
import type { JobScaling } from './job-scaling.ts';
import type { ScalingPolicy } from './policy.ts';
import { freeSlotsFor, type Sharing, shareOf } from './share-slots.ts';
import type { Strategies } from './strategy-pool.ts';
import type { RunningAttempt } from './track-attempt.ts';

/** A job that runs, at a size that it was to have. */
export interface DecidingWork {
  readonly job: string;
  readonly policy: ScalingPolicy;
  readonly pool: Strategies;
  readonly running: RunningAttempt;
  readonly topology: JobTopology;
  readonly sharing: Sharing;
  readonly nowMs: number;
}

/** A decision, and what is remembered after it. */
export interface Decided extends RecordedDecision {
  readonly scaling: JobScaling;
}

/** Samples of all vertices that a decision is given at most: its record holds them. */
const mostVertexSamples = 3_000;

/** Asks a job's strategy, limits the answer, asks vetoes. Nothing is done by it; `undefined`: it is not to be asked now. */
export async function decideSize(
  work: DecidingWork,
  known: JobScaling,
): Promise<Decided | undefined> {
  const { policy, pool, sharing, job } = work;
  const before = forStrategy(known, policy);
  const input = inputOf(work, before);
  const asked: Circumstances = { input, limits: policy.limits, memory: before.memory };
  if (reasonNotToAsk(asked) !== undefined) return undefined;
  const { answered, use } = await ask(policy, pool, input, before.learned);
  const wished = wishOf(input, answered);
  const shared = sharing.now();
  const quota = shared && shareOf(shared, job, wished);
  sharing.claim(Math.min(wished, quota?.slots ?? wished)); // Before anybody else is decided about.
  const circumstances = { ...asked, ...(quota !== undefined && { quota }) };
  const proposal = proposalOf(answered, circumstances);
  const vetoes = proposal === undefined ? [] : await reviewed(policy, pool, proposal);
  const by = { job: `flink-jobs/${job}`, strategy: use };
  const decision = recordDecision(by, circumstances, answered, vetoes);
  return { ...decision, scaling: remembered(before, decision, wished) };
}

/** What another strategy has learned is nothing to this one; one that is asked another way is not paused any more. */
function forStrategy(known: JobScaling, { strategy }: ScalingPolicy): JobScaling {
  const askedAs = JSON.stringify(strategy);
  const { learned: _, ...unlearned } = known;
  const own = known.strategy === strategy.use ? known : unlearned;
  if (known.askedAs === askedAs || known.askedAs === '')
    return { ...own, strategy: strategy.use, askedAs };
  const { failures, askAgainMs } = nothingRemembered;
  const memory = { ...own.memory, failures, askAgainMs };
  return { ...own, strategy: strategy.use, askedAs, memory };
}

function inputOf(
  { policy, running, topology, sharing, job, nowMs }: DecidingWork,
  { learned, history, decidedMs, attempt }: JobScaling,
): ScalingInput {
  const most = Math.max(20, Math.floor(mostVertexSamples / Math.max(1, topology.vertices.length)));
  const shared = sharing.now();
  const fresh = learned === undefined ? history.samples : samplesAfter(history, decidedMs);
  return {
    nowMs,
    topology,
    parallelism: running.parallelism,
    runningSinceMs: running.sinceMs,
    samples: fresh.slice(-most),
    rescales: attempt.rescales,
    maxLagMs: policy.maxLagMs,
    ...(shared !== undefined && { freeSlots: freeSlotsFor(shared, job) }),
  };
}

async function ask(
  { strategy }: ScalingPolicy,
  pool: Strategies,
  input: ScalingInput,
  learned: string | undefined,
): Promise<{ readonly answered: StrategyOutcome; readonly use: StrategyUse }> {
  const described = await pool.describe(strategy);
  const before = learned === undefined ? {} : { learnedBefore: learned };
  if ('kind' in described) {
    const options = JSON.stringify(strategy.config);
    return { answered: described, use: { name: strategy.use, version: '', options, ...before } };
  }
  const { version, options } = described;
  const answered = await pool.ask(strategy, input, learned);
  return { answered, use: { name: strategy.use, version, options, ...before } };
}

/** Slots that the strategy wants, whatever limits say. */
function wishOf({ topology, parallelism }: ScalingInput, answered: StrategyOutcome): number {
  const outcome = checkedOutcome(topology, answered);
  const action = outcome.kind === 'decided' ? outcome.decision.action : undefined;
  return slotsOf(topology, action?.kind === 'rescale' ? action.parallelism : parallelism);
}

function reviewed(
  { vetoes }: ScalingPolicy,
  pool: Strategies,
  proposal: ScalingProposal,
): Promise<VetoOutcome[]> {
  return Promise.all(vetoes.map((veto) => pool.review(veto, proposal)));
}

function remembered(
  { condition: _, ...before }: JobScaling,
  { record, learned }: RecordedDecision,
  wished: number,
): JobScaling {
  const { outcome, result, input } = record;
  const { condition } = result;
  return {
    ...before,
    ...(learned !== undefined && { learned }),
    ...(condition !== undefined && {
      condition: { reason: condition.code, message: condition.message },
    }),
    memory: result.memory,
    wished,
    decidedMs: outcome.kind === 'decided' ? input.nowMs : before.decidedMs,
  };
}
