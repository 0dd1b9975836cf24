import type { ScalingStrategy } from '@tessera/plugin';
import {
  counterRate,
  type JobSample,
  observedFlow,
  ofAttempt,
  type Parallelism,
  type ScalingDecision,
  type ScalingInput,
  sameParallelism,
  slotsOf,
  usableSamples,
  withinBounds,
} from '@tessera/scaling';
import type { Ds2Config } from './config.ts';

export interface Ds2Learned {
  readonly samples: readonly JobSample[];
  readonly decidedMs: number;
  /** Decisions in a row that await their median. */
  readonly proposals: readonly Parallelism[];
}

const nothing: Ds2Learned = { samples: [], decidedMs: 0, proposals: [] };

/**
 * DS2 (Kalavri et al., OSDI 2018): a vertex's true rate is its records over its useful time; one pass from the sources
 * gives each vertex the parallelism at which its true rate is what would arrive. Backlogs are not its subject.
 */
export class Ds2 implements ScalingStrategy<Ds2Learned> {
  readonly #config: Ds2Config;

  constructor(config: Ds2Config) {
    this.#config = config;
  }

  decide(input: ScalingInput, learned: Ds2Learned = nothing): ScalingDecision<Ds2Learned> {
    const { policyIntervalMs, warmUpIntervals, activationTime } = this.#config;
    const samples = this.#window(input, learned);
    const kept = { ...learned, samples };
    const warmMs = input.runningSinceMs + warmUpIntervals * policyIntervalMs;
    if (input.nowMs < warmMs) return hold(kept, 'WARMING_UP', 'The job was started too recently.');
    if (input.nowMs < learned.decidedMs + policyIntervalMs) {
      return hold(kept, 'INTERVAL_NOT_OVER', 'The interval since the last decision is not over.');
    }
    const wanted = this.#wanted(input, samples);
    if (wanted === undefined) {
      return hold(kept, 'METRICS_MISSING', 'Not every vertex has two samples with all counters.');
    }
    const proposals = [...learned.proposals, wanted].slice(-activationTime);
    const next = { samples, decidedMs: input.nowMs, proposals };
    if (proposals.length < activationTime) {
      return hold(next, 'AWAITING_MEDIAN', 'More decisions are needed for a median.');
    }
    const parallelism = medianOf(proposals);
    if (sameParallelism(parallelism, input.parallelism)) {
      return hold(next, 'SIZE_FITS', 'The true rates fit what arrives.');
    }
    return {
      action: { kind: 'rescale', parallelism },
      reasons: [{ code: 'TRUE_RATE_DIFFERS', message: 'The true rates do not fit what arrives.' }],
      options: [{ parallelism, slots: slotsOf(input.topology, parallelism), chosen: true }],
      learned: { ...next, proposals: [] },
    };
  }

  #window(input: ScalingInput, { samples }: Ds2Learned): readonly JobSample[] {
    const fresh = usableSamples(samples.at(-1), input.samples);
    const all = ofAttempt([...samples, ...fresh], input.runningSinceMs);
    const last = all.at(-1)?.timeMs ?? 0;
    return all.filter(({ timeMs }) => timeMs >= last - this.#config.policyIntervalMs);
  }

  #wanted(
    { topology, parallelism, runningSinceMs }: ScalingInput,
    samples: readonly JobSample[],
  ): Parallelism | undefined {
    const flow = observedFlow(topology, ofAttempt(samples, runningSinceMs));
    if ('missing' in flow) return undefined;
    let arrives = 0;
    for (const rate of flow.arriving.values()) arrives += rate;
    const wanted: Record<string, number> = {};
    for (const vertex of topology.vertices) {
      const current = parallelism[vertex.id]!;
      const busyMs = counterRate(samples, vertex.id, (each) => each.busyMs);
      const rate = flow.rateIn.get(vertex.id)!;
      if (busyMs === undefined) return undefined;
      if (busyMs === 0 || rate === 0) {
        wanted[vertex.id] = current;
        continue;
      }
      const perSubtask = rate / (busyMs / 1000);
      const target = arrives * flow.perSourceRecord.get(vertex.id)!;
      const exact = ((1 + this.#config.scalingFactor) * target) / perSubtask;
      const subtasks = Number.isFinite(exact) ? Math.ceil(Number(exact.toPrecision(12))) : current;
      wanted[vertex.id] = withinBounds(vertex, subtasks);
    }
    return wanted;
  }
}

function medianOf(proposals: readonly Parallelism[]): Parallelism {
  return Object.fromEntries(
    Object.keys(proposals[0]!).map((id) => {
      const sorted = proposals.map((each) => each[id]!).sort((a, b) => a - b);
      return [id, sorted[Math.floor(sorted.length / 2)]!];
    }),
  );
}

const hold = (learned: Ds2Learned, code: string, message: string): ScalingDecision<Ds2Learned> => ({
  action: { kind: 'hold' },
  reasons: [{ code, message }],
  options: [],
  learned,
});
