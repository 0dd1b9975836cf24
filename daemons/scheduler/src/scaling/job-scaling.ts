import type { JobSize } from '@tessera/flink';
import {
  type DecisionHistory,
  type JobTopology,
  type LimitsMemory,
  type MetricHistory,
  noMetrics,
  nothingRemembered,
  type RescaleInFlight,
} from '@tessera/scaling';
import type { ConditionReport } from '../flink/cluster-status.ts';
import type { Reading, SilentVertices } from './sample-of.ts';
import { type Attempt, noAttempt } from './track-attempt.ts';

/** What one term knows of the scaling of one job. What must last of it is in metadata; the rest is looked at again. */
export interface JobScaling {
  readonly attempt: Attempt;
  readonly readings: readonly Reading[];
  readonly history: MetricHistory;
  /** Package of the strategy that has learned. */
  readonly strategy: string;
  /** As JSON. */
  readonly learned?: string;
  readonly memory: LimitsMemory;
  /** When the strategy last said something. */
  readonly decidedMs: number;
  /** How the strategy was asked last: another way is tried at once. */
  readonly askedAs: string;
  /** When what must last was written last. */
  readonly savedMs: number;
  /** Decisions that are kept, by id. */
  readonly kept: DecisionHistory<string>;
  /** What the last kept decision said, and when: the same is not kept again and again. */
  readonly said?: { readonly words: string; readonly timeMs: number };
  readonly topology?: JobTopology;
  /** Decided, recorded, and not yet in the job's journal. */
  readonly pending?: JobSize;
  readonly inFlight?: RescaleInFlight;
  /** Slots that the strategy last wanted. */
  readonly wished?: number;
  /** Of the last decision. */
  readonly condition?: ConditionReport;
  /** As its vertices were read last. */
  readonly silent?: SilentVertices;
}

export const newScaling: JobScaling = {
  attempt: noAttempt,
  readings: [],
  history: noMetrics,
  strategy: '',
  memory: nothingRemembered,
  decidedMs: 0,
  askedAs: '',
  savedMs: 0,
  kept: [],
};

/** A change of size that takes longer is waited for like everything else. */
const hastyMs = 60_000;

/** What a term knows of all jobs that are scaled. */
export class JobScalings {
  readonly #known = new Map<string, JobScaling>();
  readonly #claims = new Map<string, number>();
  readonly #names = new Map<string, readonly string[]>();

  get(job: string): JobScaling | undefined {
    return this.#known.get(job);
  }

  put(job: string, scaling: JobScaling): void {
    this.#known.set(job, scaling);
  }

  /** Slots that a job is about to have: what it is being decided about, or what was decided. */
  claimed(job: string): number {
    return Math.max(this.#claims.get(job) ?? 0, this.#known.get(job)?.pending?.slots ?? 0);
  }

  claim(job: string, slots: number): void {
    this.#claims.set(job, slots);
  }

  /** Its decision is made. */
  release(job: string): void {
    this.#claims.delete(job);
  }

  /** Whether one of them is on its way to another size, and may be there soon. */
  isChanging(nowMs: number): boolean {
    return [...this.#known.values()].some(({ pending, inFlight, decidedMs }) => {
      const sinceMs = inFlight?.startedMs ?? (pending === undefined ? -Infinity : decidedMs);
      return nowMs - sinceMs < hastyMs;
    });
  }

  /** Only of these jobs. */
  keep(jobs: ReadonlySet<string>): void {
    for (const job of this.#known.keys()) if (!jobs.has(job)) this.#known.delete(job);
    for (const key of this.#names.keys()) {
      if (!jobs.has(key.slice(0, key.indexOf(' ')))) this.#names.delete(key);
    }
  }

  /** Names of metrics of a job's vertices, until another execution of it runs. */
  names(job: string, attempt: string) {
    return {
      of: async (vertex: string, read: () => Promise<readonly string[]>) => {
        const key = `${job} ${vertex} ${attempt}`;
        const known = this.#names.get(key);
        if (known !== undefined) return known;
        const names = await read();
        // Tasks add theirs while they start.
        if (names.some((name) => name.endsWith('.pendingRecords'))) this.#names.set(key, names);
        return names;
      },
    };
  }
}
