/**
 * Turns one window of metrics into a wanted parallelism per vertex.
 *
 * Pure: what it has learned comes in and goes out again with the recommendation, so any decision can be
 * replayed from its record. Limits, cooldowns and the act of rescaling are the scheduler's.
 */
export interface ScalingStrategy<Learned> {
  recommend(window: MetricWindow, learned: Learned): Recommendation<Learned>;
}

export interface MetricWindow {
  readonly vertices: readonly VertexMetrics[];
}

/** A metric that is missing is absent, never zero. */
export interface VertexMetrics {
  readonly id: string;
  readonly parallelism: number;
  readonly busyRatio?: number;
  readonly recordsInPerSecond?: number;
  readonly lagRecords?: number;
}

export interface Recommendation<Learned> {
  readonly parallelism: ReadonlyMap<string, number>;
  readonly reason: string;
  readonly learned: Learned;
}
