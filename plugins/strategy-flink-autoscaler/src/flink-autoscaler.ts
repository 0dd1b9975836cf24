import type { ScalingStrategy } from '@tessera/plugin';
import {
  type JobSample,
  type JobVertex,
  type ObservedRescale,
  ofAttempt,
  type Parallelism,
  type ScalingDecision,
  type ScalingInput,
  type ScalingReason,
  slotsOf,
  unitsOf,
  withinBounds,
} from '@tessera/scaling';
import { align } from './alignment.ts';
import { linearParallelism, rateBounds } from './capacity-formula.ts';
import type { FlinkAutoscalerConfig } from './config.ts';
import { due, type PendingScaleDown, remember } from './delayed-scale-down.ts';
import { type EvaluatedVertex, type Evaluation, evaluate, observedRate } from './evaluate.ts';
import { observedScalability, type ScalingRecord, wasIneffective } from './scalability.ts';
import { windowOf } from './window.ts';

export interface FlinkAutoscalerLearned {
  readonly samples: readonly JobSample[];
  /** Rates of sources at times of backlog since the job runs as it does, the newest last. */
  readonly observedRates: Readonly<Record<string, readonly number[]>>;
  readonly runningSinceMs: number;
  readonly pending: Readonly<Record<string, PendingScaleDown>>;
  readonly history: Readonly<Record<string, readonly ScalingRecord[]>>;
}

const nothing: FlinkAutoscalerLearned = {
  samples: [],
  observedRates: {},
  runningSinceMs: 0,
  pending: {},
  history: {},
};
/** Of observed rates, for each source. */
const maxObservedRates = 90;

const explanations = {
  METRICS_MISSING: 'There are fewer than two samples since the job was started.',
  STABILIZING: 'The job was started too short a time ago.',
  WINDOW_NOT_FULL: 'The window of metrics is not full.',
} as const;

/**
 * The rules of Flink's own autoscaler: after each restart a time to stabilise and a full window of metrics,
 * then a linear estimate from busy time to a target utilisation, acted upon when some vertex is out of bounds.
 */
export class FlinkAutoscaler implements ScalingStrategy<FlinkAutoscalerLearned> {
  readonly #config: FlinkAutoscalerConfig;

  constructor(config: FlinkAutoscalerConfig) {
    this.#config = config;
  }

  decide(
    input: ScalingInput,
    learned: FlinkAutoscalerLearned = nothing,
  ): ScalingDecision<FlinkAutoscalerLearned> {
    const { samples, notYet } = windowOf(learned.samples, input, this.#config);
    const { runningSinceMs } = input;
    const observedRates = this.#observe(input, learned);
    const kept = { ...learned, samples, observedRates, runningSinceMs };
    if (notYet !== undefined) return hold(kept, reason(notYet, explanations[notYet]));
    const evaluation = evaluate(input.topology, samples, kept.observedRates, this.#config);
    if (evaluation.missing.length > 0) {
      const vertices = evaluation.missing.join(', ');
      return hold(kept, reason('METRICS_MISSING', `Metrics of ${vertices} are missing.`));
    }
    if (this.#isMemoryShort(samples)) {
      return hold(kept, reason('MEMORY_PRESSURE', 'Heap or garbage collection is over its bound.'));
    }
    return this.#choose(input, kept, evaluation);
  }

  #observe(
    { topology, samples, runningSinceMs }: ScalingInput,
    learned: FlinkAutoscalerLearned,
  ): FlinkAutoscalerLearned['observedRates'] {
    const before = learned.runningSinceMs === runningSinceMs ? learned.observedRates : {};
    const fresh = ofAttempt(samples, runningSinceMs);
    return Object.fromEntries(
      topology.vertices.map(({ id }) => {
        const rates = fresh
          .map((sample) => observedRate([sample], id, this.#config))
          .filter((rate) => rate !== undefined);
        return [id, [...(before[id] ?? []), ...rates].slice(-maxObservedRates)];
      }),
    );
  }

  #isMemoryShort(samples: readonly JobSample[]): boolean {
    const { heapRatio = 0, gcRatio = 0 } = samples.at(-1) ?? {};
    const { heapUsageThreshold, gcPressureThreshold } = this.#config;
    return heapRatio > heapUsageThreshold || gcRatio > gcPressureThreshold;
  }

  #choose(
    input: ScalingInput,
    learned: FlinkAutoscalerLearned,
    evaluation: Evaluation,
  ): ScalingDecision<FlinkAutoscalerLearned> {
    const restartMs = this.#restartMs(input.rescales);
    const wishes = input.topology.vertices.map((vertex) =>
      this.#wish(vertex, input, learned, evaluation, restartMs),
    );
    const pending = Object.fromEntries(
      wishes.flatMap(({ id, pending }) => (pending === undefined ? [] : [[id, pending]])),
    );
    const changed = wishes.filter(({ id, parallelism }) => parallelism !== input.parallelism[id]);
    if (changed.length === 0) {
      const waits = Object.keys(pending).length > 0;
      const [code, message] = waits
        ? ['SCALE_DOWN_DELAYED', 'A wish to scale down waits for its interval.']
        : ['SIZE_FITS', 'No vertex should have another parallelism.'];
      return hold({ ...learned, pending }, reason(code!, message!));
    }
    if (!changed.some(({ outside }) => outside)) {
      const message = 'The processing rate of every vertex is within its bounds.';
      return hold({ ...learned, pending }, reason('WITHIN_BOUNDS', message));
    }
    return this.#rescale(input, learned, changed);
  }

  #rescale(
    input: ScalingInput,
    learned: FlinkAutoscalerLearned,
    changed: readonly Wish[],
  ): ScalingDecision<FlinkAutoscalerLearned> {
    const wanted = Object.fromEntries(changed.map(({ id, parallelism }) => [id, parallelism]));
    const parallelism: Parallelism = { ...input.parallelism, ...wanted };
    const { historyMaxCount, historyMaxAgeMs } = this.#config;
    const history = { ...learned.history };
    for (const { id, parallelism: to, trueRate, expectedRate } of changed) {
      const record = {
        timeMs: input.nowMs,
        from: input.parallelism[id]!,
        to,
        trueRate,
        expectedRate,
      };
      history[id] = [...(history[id] ?? []), record]
        .filter(({ timeMs }) => timeMs >= input.nowMs - historyMaxAgeMs)
        .slice(-historyMaxCount);
    }
    return {
      action: { kind: 'rescale', parallelism },
      reasons: changed.map(({ id, reason }) => ({ ...reason, vertex: id })),
      options: [optionOf(input, input.parallelism, false), optionOf(input, parallelism, true)],
      learned: { ...learned, history, pending: {} },
    };
  }

  /** What one vertex should have, as if it were alone. */
  #wish(
    vertex: JobVertex,
    input: ScalingInput,
    learned: FlinkAutoscalerLearned,
    { vertices, processingBacklog }: Evaluation,
    restartMs: number,
  ): Wish {
    const { id } = vertex;
    const current = input.parallelism[id]!;
    const evaluated = vertices.get(id)!;
    const { trueRate } = evaluated;
    const bounds = rateBounds(evaluated, processingBacklog, restartMs, this.#config);
    const outside = trueRate < bounds.scaleUpBelow || trueRate > bounds.scaleDownAbove;
    const wanted = this.#wanted(vertex, current, evaluated, learned, restartMs);
    const expectedRate = Number.isFinite(trueRate) ? (trueRate * wanted) / current : 0;
    const base = { id, expectedRate, trueRate: Number.isFinite(trueRate) ? trueRate : 0 };
    const text = `It could take in ${trueRate.toFixed(0)}/s; ${bounds.scaleUpBelow} to ${bounds.scaleDownAbove}/s are its bounds.`;
    const why = reason(wanted > current ? 'RATE_TOO_LOW' : 'RATE_TOO_HIGH', text);
    const keep = { ...base, parallelism: current, outside: false, reason: why, pending: undefined };
    if (wanted === current) return keep;
    if (wanted > current) {
      const blocked = wasIneffective(learned.history[id] ?? [], trueRate, this.#config);
      return blocked ? keep : { ...keep, parallelism: wanted, outside };
    }
    const { scaleDownIntervalMs: interval } = this.#config;
    const wish = { parallelism: wanted, outside };
    const pending = remember(learned.pending[id], input.nowMs, interval, wish);
    const recommended = due(pending, input.nowMs, interval);
    return { ...keep, ...recommended, pending };
  }

  #wanted(
    vertex: JobVertex,
    current: number,
    evaluated: EvaluatedVertex,
    { history }: FlinkAutoscalerLearned,
    restartMs: number,
  ): number {
    const { trueRate } = evaluated;
    const scalability = observedScalability(history[vertex.id] ?? [], this.#config);
    const today = { parallelism: current, trueRate };
    const sized = linearParallelism(evaluated, today, restartMs, scalability, this.#config);
    const limit = Math.max(current, vertex.maxParallelism);
    const lowest = Math.min(current, vertex.minParallelism);
    const wanted = Math.min(limit, Math.max(lowest, sized.parallelism));
    const units = unitsOf(vertex);
    if (units === undefined || wanted === current) return wanted;
    const aligned = align({ current, wanted, limit, units }, this.#config.alignment);
    return withinBounds(vertex, aligned);
  }

  #restartMs(rescales: readonly ObservedRescale[]): number {
    const { restartTimeMs, restartTimeTracking, restartTimeLimitMs, historyMaxCount } =
      this.#config;
    if (!restartTimeTracking || rescales.length === 0) return restartTimeMs;
    const recent = rescales.slice(-historyMaxCount).map(({ downtimeMs }) => downtimeMs);
    return Math.min(restartTimeLimitMs, Math.max(...recent));
  }
}

interface Wish {
  readonly id: string;
  readonly parallelism: number;
  readonly outside: boolean;
  readonly trueRate: number;
  readonly expectedRate: number;
  readonly reason: ScalingReason;
  readonly pending: PendingScaleDown | undefined;
}

const reason = (code: string, message: string): ScalingReason => ({ code, message });

const hold = (
  learned: FlinkAutoscalerLearned,
  why: ScalingReason,
): ScalingDecision<FlinkAutoscalerLearned> => ({
  action: { kind: 'hold' },
  reasons: [why],
  options: [],
  learned,
});

/** This strategy compares no costs: an option is its slots. */
const optionOf = ({ topology }: ScalingInput, parallelism: Parallelism, chosen: boolean) => ({
  parallelism,
  slots: slotsOf(topology, parallelism),
  chosen,
  ...(!chosen && { rejected: 'OUT_OF_BOUNDS' }),
});
