import type { ScalingAction, ScalingInput, ScalingReason } from '../decision.ts';
import type { Parallelism } from '../topology.ts';
import type { LimitEffect, LimitedDecision } from './limits.ts';

/** A rescale that all other limits let through. */
export interface ScalingProposal {
  readonly input: ScalingInput;
  readonly parallelism: Parallelism;
  readonly slots: number;
  /** Of the strategy, and of what limits changed. */
  readonly reasons: readonly ScalingReason[];
}

export type VetoAnswer =
  | { readonly allowed: true }
  /** A stable code of its own and words; when to ask again, where it knows. */
  | {
      readonly allowed: false;
      readonly code: string;
      readonly message: string;
      readonly untilMs?: number;
    };

/** What one veto said; `failed`: it threw, took too long, or answered what means nothing. */
export interface VetoOutcome {
  readonly veto: string;
  readonly answer: VetoAnswer | { readonly failed: string };
}

/** A rescale goes on only if every veto allows it; one that cannot answer does not. */
export function withVetoes(
  limited: LimitedDecision,
  outcomes: readonly VetoOutcome[],
): LimitedDecision {
  const held = outcomes.flatMap((outcome) => effectOf(outcome));
  if (limited.action.kind === 'hold' || held.length === 0) return limited;
  const hold: ScalingAction = { kind: 'hold' };
  return { ...limited, action: hold, effects: [...limited.effects, ...held] };
}

/** What a veto answered as it counts: it may be anything, as vetoes are written by strangers. */
export function checkedAnswer(answer: unknown): VetoOutcome['answer'] {
  if (typeof answer !== 'object' || answer === null) return { failed: 'it gives no answer' };
  const { allowed, code, message, untilMs } = answer as Record<string, unknown>;
  if (allowed === true) return { allowed };
  if (allowed !== false) return { failed: 'it neither allows nor forbids' };
  if (typeof code !== 'string' || typeof message !== 'string' || code === '' || message === '') {
    return { failed: 'it forbids without a code and a message' };
  }
  return {
    allowed,
    code,
    message,
    ...(Number.isFinite(untilMs) && { untilMs: untilMs as number }),
  };
}

function effectOf({ veto, answer }: VetoOutcome): readonly LimitEffect[] {
  if ('failed' in answer) {
    const message = `Veto ${veto} cannot be asked: ${answer.failed}.`;
    return [{ kind: 'held', code: 'VETO_FAILED', message }];
  }
  if (answer.allowed) return [];
  const { code, message, untilMs } = answer;
  const words = `Veto ${veto}: ${message} (${code})`;
  return [
    { kind: 'held', code: 'VETOED', message: words, ...(untilMs !== undefined && { untilMs }) },
  ];
}
