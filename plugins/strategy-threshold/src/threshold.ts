import type { ScalingStrategy } from '@tessera/plugin';
import {
  counterRate,
  type JobSample,
  ofAttempt,
  type Parallelism,
  type ScalingDecision,
  type ScalingInput,
  sameParallelism,
  slotsOf,
  usableSamples,
  withinBounds,
} from '@tessera/scaling';
import type { ThresholdConfig } from './config.ts';

export interface ThresholdLearned {
  readonly samples: readonly JobSample[];
  /** What was wanted lately, oldest first. */
  readonly wishes: readonly { readonly timeMs: number; readonly parallelism: Parallelism }[];
}

const nothing: ThresholdLearned = { samples: [], wishes: [] };

/**
 * Wants so many subtasks that each would be busy for the target share of the time: the rule of horizontal pod
 * autoscalers, for each vertex by itself.
 */
export class Threshold implements ScalingStrategy<ThresholdLearned> {
  readonly #config: ThresholdConfig;

  constructor(config: ThresholdConfig) {
    this.#config = config;
  }

  decide(
    input: ScalingInput,
    learned: ThresholdLearned = nothing,
  ): ScalingDecision<ThresholdLearned> {
    const samples = this.#window(input, learned);
    const wish = this.#wish(input, samples);
    if (wish === undefined) {
      const message = 'Not every vertex has two samples that tell how busy it is.';
      return hold({ ...learned, samples }, 'METRICS_MISSING', message);
    }
    const wishes = [...learned.wishes, { timeMs: input.nowMs, parallelism: wish }].filter(
      ({ timeMs }) => timeMs > input.nowMs - this.#config.scaleDownWindowMs,
    );
    const parallelism = this.#stabilised(input, wish, wishes);
    if (sameParallelism(parallelism, input.parallelism)) {
      return hold({ samples, wishes }, 'WITHIN_TOLERANCE', 'Busy shares are near their target.');
    }
    return {
      action: { kind: 'rescale', parallelism },
      reasons: [{ code: 'BUSY_SHARE_OFF_TARGET', message: 'A vertex is too busy, or too idle.' }],
      options: [{ parallelism, slots: slotsOf(input.topology, parallelism), chosen: true }],
      learned: { samples, wishes },
    };
  }

  #window(input: ScalingInput, { samples }: ThresholdLearned): readonly JobSample[] {
    const fresh = usableSamples(samples.at(-1), input.samples);
    const all = ofAttempt([...samples, ...fresh], input.runningSinceMs);
    return all.filter(({ timeMs }) => timeMs >= input.nowMs - 3 * this.#config.windowMs).slice(-64);
  }

  #wish(
    { topology, parallelism }: ScalingInput,
    samples: readonly JobSample[],
  ): Parallelism | undefined {
    const last = samples.at(-1)?.timeMs ?? 0;
    const recent = samples.filter(({ timeMs }) => timeMs >= last - this.#config.windowMs);
    const wish: Record<string, number> = {};
    for (const vertex of topology.vertices) {
      const busyMs = counterRate(recent, vertex.id, (each) => each.busyMs);
      if (busyMs === undefined) return undefined;
      const current = parallelism[vertex.id]!;
      const ratio = busyMs / 1000 / current / this.#config.target;
      const isNear = Math.abs(ratio - 1) <= this.#config.tolerance;
      const exact = Number((ratio * current).toPrecision(12));
      wish[vertex.id] = withinBounds(vertex, isNear ? current : Math.max(1, Math.ceil(exact)));
    }
    return wish;
  }

  /** Down no lower than every recent wish. */
  #stabilised(
    { topology, parallelism, nowMs, runningSinceMs }: ScalingInput,
    wish: Parallelism,
    wishes: ThresholdLearned['wishes'],
  ): Parallelism {
    const isNew = nowMs - runningSinceMs < this.#config.scaleDownWindowMs;
    return Object.fromEntries(
      topology.vertices.map(({ id }) => {
        const current = parallelism[id]!;
        const highest = Math.max(...wishes.map((each) => each.parallelism[id] ?? 0));
        const lower = isNew ? current : Math.min(current, highest);
        return [id, wish[id]! >= current ? wish[id]! : lower];
      }),
    );
  }
}

const hold = (
  learned: ThresholdLearned,
  code: string,
  message: string,
): ScalingDecision<ThresholdLearned> => ({
  action: { kind: 'hold' },
  reasons: [{ code, message }],
  options: [],
  learned,
});
