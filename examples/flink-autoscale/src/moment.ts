import { loadAt } from './waves.ts';

/** What `tessera flink top --json` prints of the cluster and its job at one time. What is not known is absent. */
interface Printed {
  readonly clusters: readonly {
    readonly name: string;
    readonly slots?: number;
    readonly freeSlots?: number;
  }[];
  readonly jobs: readonly {
    readonly name: string;
    readonly waitsFor: string;
    readonly inPerSecond?: number;
    readonly lag?: number;
    readonly busy?: number;
    readonly parallelism?: number;
    readonly scaledSlots?: number;
    readonly decision?: { readonly words: string };
  }[];
}

/** The job at one time, beside the load that it is given. What is not known is absent. */
export interface Moment {
  /** Since the load began. */
  readonly second: number;
  /** Records per second that come. */
  readonly load: number;
  /** Records per second that are read. */
  readonly read?: number | undefined;
  /** Records that wait. */
  readonly lag?: number | undefined;
  /** Of the busiest vertex, from 0 to 1. */
  readonly busy?: number | undefined;
  readonly parallelism?: number | undefined;
  /** Slots that scaling wants it to have. */
  readonly wanted?: number | undefined;
  /** Slots of all TaskManagers, and how many of them no job has. */
  readonly slots?: { readonly all: number; readonly free: number } | undefined;
  /** Why scaling wants it so. */
  readonly why?: string | undefined;
  /** What stands in the way of the job; empty: nothing. */
  readonly waitsFor: string;
}

/** @param name of the job and of its cluster, beside which there may be others */
export function momentOf(line: string, name: string, second: number): Moment {
  const { clusters, jobs } = JSON.parse(line) as Printed;
  const cluster = clusters.find((one) => one.name === name);
  const job = jobs.find((one) => one.name === name);
  const [all, free] = [cluster?.slots, cluster?.freeSlots];
  return {
    ...{ second, load: loadAt(second) },
    ...{ read: job?.inPerSecond, lag: job?.lag, busy: job?.busy, parallelism: job?.parallelism },
    ...{ wanted: job?.scaledSlots, why: job?.decision?.words },
    ...(all !== undefined && free !== undefined && { slots: { all, free } }),
    waitsFor: job?.waitsFor ?? '',
  };
}
