import type { DecisionRecord } from './decision-record.ts';

/** A record in whatever form it is kept, with what is needed to know which to forget. */
export interface StoredDecision<Form = Uint8Array> {
  readonly timeMs: number;
  /** Whether it did, changed, held back or failed at something: such are kept longer than those that just stay. */
  readonly eventful: boolean;
  readonly sizeBytes: number;
  readonly stored: Form;
}

/** Oldest first. */
export type DecisionHistory<Form = Uint8Array> = readonly StoredDecision<Form>[];

export interface HistoryBounds {
  readonly eventful: number;
  readonly uneventful: number;
  /** Of all records together; the newest one is kept even if it alone has more. */
  readonly bytes: number;
}

export const historyBounds: HistoryBounds = { eventful: 200, uneventful: 20, bytes: 8_000_000 };

export function isEventful({ outcome, result }: DecisionRecord): boolean {
  const { action, effects, condition } = result;
  if (outcome.kind === 'notAsked') return false;
  return action.kind !== 'hold' || effects.length > 0 || condition !== undefined;
}

/** The history with one more record; the oldest uneventful ones go first, then the oldest of all. */
export function withDecision<Form>(
  history: DecisionHistory<Form>,
  decision: StoredDecision<Form>,
  bounds: HistoryBounds = historyBounds,
): DecisionHistory<Form> {
  let kept: DecisionHistory<Form> = [...history, decision];
  const countOf = (eventful: boolean) => kept.filter((each) => each.eventful === eventful).length;
  for (const [eventful, most] of [
    [false, bounds.uneventful],
    [true, bounds.eventful],
  ] as const) {
    while (countOf(eventful) > most) kept = withoutOldest(kept, eventful);
  }
  while (kept.length > 1 && sizeOf(kept) > bounds.bytes) {
    const hasUneventful = kept.slice(0, -1).some((each) => !each.eventful);
    kept = withoutOldest(kept, !hasUneventful);
  }
  return kept;
}

function withoutOldest<Form>(
  history: DecisionHistory<Form>,
  eventful: boolean,
): DecisionHistory<Form> {
  const oldest = history.findIndex((each) => each.eventful === eventful);
  return oldest < 0 ? history.slice(1) : history.toSpliced(oldest, 1);
}

const sizeOf = (history: DecisionHistory<unknown>): number =>
  history.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
