import type { ScalingStrategy } from '@tessera/plugin';
import {
  type Parallelism,
  type ScalingDecision,
  type ScalingInput,
  sameParallelism,
  slotsOf,
  withinBounds,
} from '@tessera/scaling';
import { type Plan, type ScheduleConfig, startsOf } from './config.ts';

const minutesPerWeek = 7 * 1440;

/** Sizes by the calendar, whatever the metrics say. */
export class Schedule implements ScalingStrategy<null> {
  readonly #plans: readonly { readonly startMinute: number; readonly plan: Plan }[];

  constructor({ plans }: ScheduleConfig) {
    this.#plans = plans.flatMap((plan) =>
      startsOf(plan).map((startMinute) => ({ startMinute, plan })),
    );
  }

  decide(input: ScalingInput): ScalingDecision<null> {
    const plan = this.#planAt(input.nowMs);
    const parallelism = sizeBy(plan, input);
    const isThere = sameParallelism(parallelism, input.parallelism);
    const message = `The plan of ${plan.at} UTC holds.`;
    return {
      action: isThere ? { kind: 'hold' } : { kind: 'rescale', parallelism },
      reasons: [{ code: isThere ? 'AS_PLANNED' : 'PLAN_BEGAN', message }],
      options: [{ parallelism, slots: slotsOf(input.topology, parallelism), chosen: true }],
      learned: null,
    };
  }

  /** The plan that began last, as the week goes round. */
  #planAt(nowMs: number): Plan {
    const minute = minuteOfWeek(nowMs);
    const age = (startMinute: number) => (minute - startMinute + minutesPerWeek) % minutesPerWeek;
    return this.#plans.reduce((a, b) => (age(b.startMinute) < age(a.startMinute) ? b : a)).plan;
  }
}

/** Minutes since Sunday 00:00 UTC; the epoch began on a Thursday. */
function minuteOfWeek(nowMs: number): number {
  return (Math.floor(nowMs / 60_000) + 4 * 1440) % minutesPerWeek;
}

/** Vertices that a plan does not name stay as they are. */
function sizeBy(
  { parallelism }: Plan,
  { topology, parallelism: current }: ScalingInput,
): Parallelism {
  return Object.fromEntries(
    topology.vertices.map((vertex) => {
      const planned = typeof parallelism === 'number' ? parallelism : parallelism[vertex.id];
      return [vertex.id, withinBounds(vertex, planned ?? current[vertex.id]!)];
    }),
  );
}
