import type { Parallelism } from './topology.ts';

/**
 * What was observed of a running job at one time. Whatever was not reported is absent, never zero; a
 * collector leaves out what tasks report while they initialise.
 */
export interface JobSample {
  readonly timeMs: number;
  /** When this attempt of the job had all its tasks running. Counters begin anew with each attempt. */
  readonly runningSinceMs: number;
  /** What the attempt runs with. */
  readonly parallelism: Parallelism;
  readonly vertices: Readonly<Record<string, VertexSample>>;
  /** The worst TaskManager's heap and its share of time in garbage collection, 0 … 1. */
  readonly heapRatio?: number;
  readonly gcRatio?: number;
}

export interface VertexSample {
  /** Records taken in since the attempt began, over all subtasks; what a source has read. */
  readonly recordsIn?: number;
  readonly recordsOut?: number;
  /** Milliseconds that all subtasks together were busy since the attempt began. */
  readonly busyMs?: number;
  /** Flink's own rate: of the last minute, records per second. */
  readonly recordsInPerSecond?: number;
  /** Records that wait in front of a source. */
  readonly lagRecords?: number;
  /** Share of the last second, 0 … 1, in the subtask that has most of it. */
  readonly busyRatio?: number;
  readonly backpressuredRatio?: number;
  /** Share of the vertex's records that its fullest subtask takes, 0 … 1. */
  readonly largestShare?: number;
  /** CPU that the subtasks use, over what their slots have, 0 … 1. */
  readonly cpuRatio?: number;
}

/** A rescale that ended, as it was observed. */
export interface ObservedRescale {
  readonly startedMs: number;
  /** From the last record of the old attempt until all tasks of the new one ran. */
  readonly downtimeMs: number;
  readonly from: Parallelism;
  readonly to: Parallelism;
}
