import type { SinkVerdict } from '../flink/sink-content.ts';
import { type Blow, type BlowFigures, blows } from './blows.ts';
import type { Timeline } from './deploy.ts';

export interface DealtBlow extends BlowFigures {
  /** The longest time in which nothing was processed that was committed in the end. */
  readonly gapSeconds: number;
}

/** What one deployment and what followed gave. */
export interface Round {
  readonly timeline: Timeline;
  readonly blows: readonly DealtBlow[];
  readonly verdict: SinkVerdict;
}

/** Of one blow in all rounds. */
export function figuresOf(rounds: readonly Round[], name: string): readonly DealtBlow[] {
  return rounds.flatMap((round) => round.blows.filter((each) => each.name === name));
}

/** Those that were dealt at all. */
export function dealt(rounds: readonly Round[]): readonly Blow[] {
  return blows.filter(({ name }) => figuresOf(rounds, name).length > 0);
}
