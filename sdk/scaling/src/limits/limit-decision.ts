import type { ScalingInput, ScalingReason } from '../decision.ts';
import { type JobVertex, type Parallelism, sameParallelism, slotsOf } from '../topology.ts';
import { fitToSlots } from './fit-to-slots.ts';
import { avoidedSize, judged, rollbackOf } from './judge-rescale.ts';
import type {
  LimitEffect,
  LimitedDecision,
  QuotaShare,
  RescaleInFlight,
  ScalingLimits,
} from './limits.ts';
import { forbiddingWindow } from './maintenance-windows.ts';
import type { LimitsMemory } from './memory.ts';
import { checkedOutcome, type StrategyOutcome } from './strategy-outcome.ts';

/** What a decision is limited by, beside what the strategy answered. */
export interface Circumstances {
  readonly input: ScalingInput;
  readonly limits: ScalingLimits;
  /** Of the last decision; `nothingRemembered` for the first. */
  readonly memory: LimitsMemory;
  readonly quota?: QuotaShare;
  readonly inFlight?: RescaleInFlight;
}

/** A size on its way through the limits. */
interface Proposal {
  readonly parallelism: Parallelism;
  /** Who wants it. What is not of the strategy mends something, and waits for no cooldown. */
  readonly origin: 'strategy' | 'rollback' | 'limits';
  readonly effects: readonly LimitEffect[];
}

type Limit = (proposal: Proposal, circumstances: Circumstances) => Proposal | LimitEffect;

const limits: readonly Limit[] = [avoid, withinVertexBounds, withinSlots, coolDown, inWindow];

/**
 * What is to be done after all limits but vetoes. A strategy that failed changes nothing: the size that the job has
 * stays, unless a limit itself wants another. What was proposed and held back is said, and why.
 */
export function limitDecision(
  answered: StrategyOutcome,
  circumstances: Circumstances,
): LimitedDecision {
  const { input, inFlight, memory: before } = circumstances;
  const outcome = checkedOutcome(input.topology, answered);
  const condition = conditionOf(outcome);
  if (inFlight !== undefined) {
    return {
      action: { kind: 'hold' },
      effects: [rescaleInFlight(inFlight)],
      ...condition,
      memory: before,
    };
  }
  const memory = afterAsking(
    judged(before, input, circumstances.limits.rollback),
    outcome,
    input.nowMs,
  );
  const known = { ...circumstances, memory };
  let proposal = proposed(outcome, known);
  for (const limit of limits) {
    const answer = limit(proposal, known);
    if ('kind' in answer) {
      const effects = [...proposal.effects, answer];
      return { action: { kind: 'hold' }, effects, ...condition, memory };
    }
    proposal = answer;
  }
  const { parallelism, effects } = proposal;
  const isThere = sameParallelism(parallelism, input.parallelism);
  const action = isThere
    ? ({ kind: 'hold' } as const)
    : ({ kind: 'rescale', parallelism } as const);
  return { action, effects, ...condition, memory };
}

function proposed(outcome: StrategyOutcome, { input, limits, memory }: Circumstances): Proposal {
  const back = rollbackOf(memory, input, limits.rollback);
  if (back !== undefined) {
    const message = `The backlog grows and less is read than before the change to ${slotsOf(input.topology, back.to)} slots: back to ${slotsOf(input.topology, back.from)}.`;
    const effect = { kind: 'changed', code: 'ROLLED_BACK', message } as const;
    return { parallelism: back.from, origin: 'rollback', effects: [effect] };
  }
  if (outcome.kind === 'decided' && outcome.decision.action.kind === 'rescale') {
    return { parallelism: outcome.decision.action.parallelism, origin: 'strategy', effects: [] };
  }
  return { parallelism: input.parallelism, origin: 'limits', effects: [] };
}

function avoid(proposal: Proposal, { input, memory }: Circumstances): Proposal | LimitEffect {
  if (proposal.origin !== 'strategy') return proposal;
  const avoided = avoidedSize(memory.avoided, input.topology, proposal.parallelism);
  if (avoided === undefined) return proposal;
  const { untilMs, parallelism } = avoided;
  const message = `${slotsOf(input.topology, parallelism)} slots made things worse lately; that size and beyond are not tried before ${timeOf(untilMs)}.`;
  return { kind: 'held', code: 'TARGET_AVOIDED', message, untilMs };
}

function withinVertexBounds(
  proposal: Proposal,
  { input: { topology }, limits: { bounds } }: Circumstances,
): Proposal {
  const effects: LimitEffect[] = [];
  const parallelism = Object.fromEntries(
    topology.vertices.map((vertex) => {
      const wanted = proposal.parallelism[vertex.id]!;
      const { min, max } = boundsOf(vertex, bounds);
      const allowed = Math.max(min, Math.min(max, wanted));
      if (allowed !== wanted) {
        const message = `${vertex.id} may have ${min} to ${max} subtasks: ${allowed} instead of ${wanted}.`;
        effects.push({ kind: 'changed', code: 'VERTEX_BOUNDS', message, vertex: vertex.id });
      }
      return [vertex.id, allowed];
    }),
  );
  return { ...proposal, parallelism, effects: [...proposal.effects, ...effects] };
}

/** Bounds of the user never widen those of the vertex; where they contradict each other, the upper one counts. */
function boundsOf(
  vertex: JobVertex,
  { minParallelism = 1, maxParallelism = Infinity, vertices = {} }: ScalingLimits['bounds'],
): { readonly min: number; readonly max: number } {
  const own = vertices[vertex.id] ?? {};
  const max = Math.max(
    1,
    Math.min(
      vertex.maxParallelism,
      vertex.keyGroups ?? Infinity,
      maxParallelism,
      own.max ?? Infinity,
    ),
  );
  return { min: Math.min(max, Math.max(vertex.minParallelism, minParallelism, own.min ?? 1)), max };
}

/** The job's own bound, its share of a quota, and what hosts can hold: the least of them counts. */
function withinSlots(proposal: Proposal, circumstances: Circumstances): Proposal | LimitEffect {
  const { input, limits } = circumstances;
  const { topology, parallelism: current } = input;
  const wantedSlots = slotsOf(topology, proposal.parallelism);
  const least = slotLimits(circumstances).reduce((a, b) => (b.slots < a.slots ? b : a));
  if (wantedSlots <= least.slots) return proposal;
  const sizes = {
    wanted: proposal.parallelism,
    current,
    lowest: (vertex: JobVertex) => boundsOf(vertex, limits.bounds).min,
  };
  const fitting = fitToSlots(topology, sizes, least.slots);
  if (fitting === undefined) {
    const message = `${least.words}; the job cannot run with so few.`;
    return { kind: 'held', code: least.code, message };
  }
  const slots = slotsOf(topology, fitting);
  const message = `${least.words}: ${slots} instead of ${wantedSlots}.`;
  if (sameParallelism(fitting, current)) return { kind: 'held', code: least.code, message };
  const effect = { kind: 'changed', code: least.code, message } as const;
  return { ...proposal, parallelism: fitting, effects: [...proposal.effects, effect] };
}

interface SlotLimit {
  readonly code: 'JOB_SLOTS' | 'QUOTA' | 'CAPACITY';
  readonly slots: number;
  readonly words: string;
}

function slotLimits({ input, limits, quota }: Circumstances): readonly SlotLimit[] {
  const { maxSlots = Infinity } = limits.bounds;
  const { freeSlots = Infinity } = input;
  const reachable = slotsOf(input.topology, input.parallelism) + Math.max(0, freeSlots);
  const share = quota?.slots ?? Infinity;
  return [
    { code: 'JOB_SLOTS', slots: maxSlots, words: `The job may have ${maxSlots} slots` },
    { code: 'QUOTA', slots: share, words: `Its share of quota ${quota?.quota} is ${share} slots` },
    { code: 'CAPACITY', slots: reachable, words: `Hosts have room for ${reachable} slots of it` },
  ];
}

function coolDown(proposal: Proposal, { input, limits }: Circumstances): Proposal | LimitEffect {
  const last = input.rescales.at(-1);
  if (last === undefined || proposal.origin !== 'strategy') return proposal;
  const isDown = isScaleDown(proposal, input);
  const { beforeUpMs, beforeDownMs } = limits.cooldown;
  const untilMs = last.startedMs + last.downtimeMs + (isDown ? beforeDownMs : beforeUpMs);
  const isThere = sameParallelism(proposal.parallelism, input.parallelism);
  if (isThere || input.nowMs >= untilMs) return proposal;
  const message = `The last rescale was a short time ago: none to ${isDown ? 'fewer' : 'more'} slots before ${timeOf(untilMs)}.`;
  return { kind: 'held', code: 'COOLDOWN', message, untilMs };
}

function inWindow(proposal: Proposal, { input, limits }: Circumstances): Proposal | LimitEffect {
  if (sameParallelism(proposal.parallelism, input.parallelism)) return proposal;
  const change = { isDown: isScaleDown(proposal, input) };
  const window = forbiddingWindow(limits.windows, input.nowMs, change);
  if (window === undefined) return proposal;
  const hours = `${window.from} to ${window.to} ${window.timeZone}`;
  const rule = {
    freeze: `no rescale in window ${window.name}, ${hours}`,
    noScaleDown: `no scale-down in window ${window.name}, ${hours}`,
    only: `rescales only in windows such as ${window.name}, ${hours}`,
  }[window.rule];
  return { kind: 'held', code: 'MAINTENANCE_WINDOW', message: `Held back: ${rule}.` };
}

const isScaleDown = ({ parallelism }: Proposal, input: ScalingInput): boolean =>
  slotsOf(input.topology, parallelism) < slotsOf(input.topology, input.parallelism);

function rescaleInFlight({ startedMs, to }: RescaleInFlight): LimitEffect {
  const subtasks = Object.entries(to).map(([id, count]) => `${id} ${count}`);
  const message = `The rescale of ${timeOf(startedMs)} to ${subtasks.join(', ')} has not ended.`;
  return { kind: 'held', code: 'RESCALE_IN_FLIGHT', message };
}

function conditionOf(outcome: StrategyOutcome): { readonly condition?: ScalingReason } {
  if (outcome.kind === 'decided') return {};
  return { condition: { code: outcome.code, message: outcome.message } };
}

const shortestPauseMs = 30_000;
const longestPauseMs = 900_000;

/** Each failure in a row doubles the time until the strategy is asked again. */
function afterAsking(memory: LimitsMemory, outcome: StrategyOutcome, nowMs: number): LimitsMemory {
  if (outcome.kind === 'notAsked') return memory;
  if (outcome.kind === 'decided') return { ...memory, failures: 0, askAgainMs: nowMs };
  const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(memory.failures, 16));
  return { ...memory, failures: memory.failures + 1, askAgainMs: nowMs + pauseMs };
}

/** Why the strategy is not to be asked now, or nothing. */
export function reasonNotToAsk({
  input: { nowMs },
  memory,
  inFlight,
}: Circumstances): StrategyOutcome | undefined {
  if (inFlight !== undefined) {
    const { message } = rescaleInFlight(inFlight);
    return { kind: 'notAsked', code: 'RESCALE_IN_FLIGHT', message };
  }
  if (memory.failures === 0 || nowMs >= memory.askAgainMs) return undefined;
  const message = `The strategy failed ${memory.failures} times in a row; it is asked again at ${timeOf(memory.askAgainMs)}.`;
  return { kind: 'notAsked', code: 'STRATEGY_PAUSED', message };
}

const timeOf = (timeMs: number): string => {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime())
    ? `${timeMs} ms`
    : date.toISOString().slice(0, 19).concat('Z');
};
