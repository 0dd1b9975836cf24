import {
  configurationsOf,
  type Measures,
  type Moment,
  type OraclePlan,
  type Scenario,
  simulate,
  tickSeconds,
  topologyOf,
} from '@tessera/flink-simulator';
import type { ScalingStrategy } from '@tessera/plugin';
import { slotsOf } from '@tessera/scaling';

/** Where slot-hours beyond the oracle's go; negative where the oracle has more. Together they are all of it. */
export interface Excess {
  /** The first hour, when little is known of the job. */
  readonly exploration: number;
  /** While the job is down and the slots of two sizes are paid. */
  readonly rescaling: number;
  /** While records wait for more than half a minute. */
  readonly catchingUp: number;
  /** Slots that the highest load at one size did not ask for. */
  readonly headroom: number;
  /** Slots that it did ask for, at times when the oracle had fewer: it had shrunk, or not yet grown. */
  readonly holding: number;
}

export interface ExplainedRun {
  readonly measures: Measures;
  readonly excess: Excess;
}

interface Minute extends Moment {
  /** Nothing was decided in it: the job was down, or about to be. */
  readonly isDown: boolean;
}

const explorationHours = 1;
const lateSeconds = 30;
/** What is asked of a size is the mean of so long; backlogs take up the rest. */
const meanMinutes = 5;

/** Runs a strategy and tells where its slot-hours went. */
export function explainRun(
  scenario: Scenario,
  plan: OraclePlan,
  strategy: ScalingStrategy,
  segmentSeconds: number,
  onMoment?: (moment: Moment) => void,
): ExplainedRun {
  const minutes: Minute[] = [];
  let decisions = 0;
  const measures = simulate(scenario, strategy, {
    onDecision: () => {
      decisions++;
    },
    onMoment: (moment) => {
      minutes.push({ ...moment, isDown: decisions === 0 && minutes.length > 0 });
      decisions = 0;
      onMoment?.(moment);
    },
  });
  return { measures, excess: excessOf(scenario, plan, minutes, segmentSeconds) };
}

function excessOf(
  { job, trace }: Scenario,
  plan: OraclePlan,
  minutes: readonly Minute[],
  segmentSeconds: number,
): Excess {
  const topology = topologyOf(job);
  const oracle = plan.schedule.map(({ parallelism }) => slotsOf(topology, parallelism));
  const needed = neededSlots({ job, trace }, minutes);
  const excess = { exploration: 0, rescaling: 0, catchingUp: 0, headroom: 0, holding: 0 };
  minutes.forEach(({ hour, slots, lagSeconds, isDown }, i) => {
    const segment = Math.floor((hour * 3600) / segmentSeconds);
    const best = oracle[Math.min(segment, oracle.length - 1)]!;
    const hours = (slots - best) / 60;
    if (hour < explorationHours) excess.exploration += hours;
    else if (isDown) excess.rescaling += hours;
    else if (lagSeconds > lateSeconds) excess.catchingUp += hours;
    else {
      excess.headroom += (slots - needed[i]!) / 60;
      excess.holding += (needed[i]! - best) / 60;
    }
  });
  return excess;
}

/** For each minute the slots that the highest load asks for while the size stays what it is then. */
function neededSlots(
  { job, trace }: Pick<Scenario, 'job' | 'trace'>,
  minutes: readonly Minute[],
): readonly number[] {
  const { load, startTick } = trace;
  const sizes = configurationsOf(
    job,
    load.reduce((a, b) => Math.max(a, b), 0),
  );
  const perMinute = 60 / tickSeconds;
  const meanAt = (minute: number) => {
    const end = startTick + minute * perMinute;
    const part = load.subarray(Math.max(0, end - meanMinutes * perMinute), end + 1);
    return part.reduce((sum, each) => sum + each, 0) / part.length;
  };
  const needed: number[] = [];
  for (let from = 0; from < minutes.length; ) {
    let to = from + 1;
    while (minutes[to]?.slots === minutes[from]!.slots) to++;
    let highest = 0;
    for (let at = from; at < to; at++) highest = Math.max(highest, meanAt(at));
    const size = sizes.find((each) => each.load >= highest) ?? sizes.at(-1)!;
    for (; from < to; from++) needed.push(size.slots);
  }
  return needed;
}

export const excessKinds = [
  'exploration',
  'rescaling',
  'catchingUp',
  'headroom',
  'holding',
] as const satisfies readonly (keyof Excess)[];
