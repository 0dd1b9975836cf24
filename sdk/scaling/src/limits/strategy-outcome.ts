import type { ScalingDecision } from '../decision.ts';
import type { JobTopology, JobVertex } from '../topology.ts';

/** What came of asking a strategy. */
export type StrategyOutcome =
  | { readonly kind: 'decided'; readonly decision: ScalingDecision }
  | StrategyFailure
  /** It was not asked. */
  | { readonly kind: 'notAsked'; readonly code: NotAskedCode; readonly message: string };

export interface StrategyFailure {
  readonly kind: 'failed';
  readonly code: StrategyFailureCode;
  readonly message: string;
}

/** Threw, took too long (or too much memory), or answered what means nothing. */
export type StrategyFailureCode =
  | 'STRATEGY_FAILED'
  | 'STRATEGY_TIMED_OUT'
  | 'STRATEGY_OUTPUT_INVALID';
export type NotAskedCode = 'RESCALE_IN_FLIGHT' | 'STRATEGY_PAUSED';

const mostOptions = 1_000;
const mostReasons = 100;

/** The outcome as it counts: a decision that means nothing is a failure, whatever type it came as. */
export function checkedOutcome(topology: JobTopology, outcome: StrategyOutcome): StrategyOutcome {
  if (outcome.kind !== 'decided') return outcome;
  const fault = decisionFault(topology, outcome.decision);
  if (fault === undefined) return outcome;
  return {
    kind: 'failed',
    code: 'STRATEGY_OUTPUT_INVALID',
    message: `The strategy's answer is not used: ${fault}.`,
  };
}

/** What is wrong with an answer, or nothing. It may be anything: strategies are written by strangers. */
function decisionFault(topology: JobTopology, decision: unknown): string | undefined {
  if (!isObject(decision)) return 'it is no decision';
  const { action, reasons, options, learned } = decision;
  if (!isObject(action)) return 'it has no action';
  if (!Array.isArray(reasons) || reasons.length === 0) return 'it gives no reason';
  if (reasons.length > mostReasons) return `it gives ${reasons.length} reasons`;
  if (!reasons.every(isReason)) return 'a reason has no code or no message';
  if (!Array.isArray(options)) return 'it has no list of options';
  if (options.length > mostOptions) return `it compares ${options.length} options`;
  if (learned === undefined) return 'it does not say what it learned';
  if (action['kind'] === 'hold') return undefined;
  if (action['kind'] !== 'rescale') return `it wants to ${shown(action['kind'])}`;
  return parallelismFault(topology, action['parallelism']);
}

function parallelismFault({ vertices }: JobTopology, wanted: unknown): string | undefined {
  if (!isObject(wanted)) return 'it wants to rescale to nothing';
  const known = new Set(vertices.map(({ id }) => id));
  const stranger = Object.keys(wanted).find((id) => !known.has(id));
  if (stranger !== undefined) return `it sizes ${shown(stranger)}, which is no vertex of the job`;
  for (const vertex of vertices) {
    const subtasks = wanted[vertex.id];
    if (subtasks === undefined) return `it does not size ${vertex.id}`;
    if (!Number.isSafeInteger(subtasks) || Number(subtasks) < 1) {
      return `it wants ${shown(subtasks)} subtasks of ${vertex.id}`;
    }
    if (Number(subtasks) > hardLimit(vertex)) {
      return `it wants ${shown(subtasks)} subtasks of ${vertex.id}, whose state has ${hardLimit(vertex)} key groups`;
    }
  }
  return undefined;
}

/** What Flink cannot exceed, whatever the user allows: keyed state has no more parts. */
const hardLimit = ({ keyGroups }: JobVertex): number => keyGroups ?? Infinity;

const isReason = (reason: unknown): boolean =>
  isObject(reason) && isText(reason['code']) && isText(reason['message']);

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value).slice(0, 100);
