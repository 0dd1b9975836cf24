/**
 * Metrics as data. A daemon lists its metrics once, with units and help; the reference page and what is registered both
 * come from that list.
 */
export type MetricKind = 'counter' | 'histogram' | 'gauge';

export interface MetricDefinition {
  /** As Prometheus shows it; ends in its unit, or in `_total` for counters. */
  readonly name: string;
  readonly kind: MetricKind;
  /** Such as `seconds` or `bytes`; of what, where it is a count. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Reading {
  readonly value: number;
  readonly labels?: Labels;
}

/** Where daemons count. Asking twice for one definition gives the same metric. */
export interface Meter {
  counter(metric: MetricDefinition): (amount: number, labels?: Labels) => void;
  histogram(metric: MetricDefinition): (value: number, labels?: Labels) => void;
  /** `read` is called when somebody looks. */
  gauge(
    metric: MetricDefinition,
    read: () => readonly Reading[] | Promise<readonly Reading[]>,
  ): void;
}

/** Counts nothing. */
export const noMeter: Meter = {
  counter: () => () => {},
  histogram: () => () => {},
  gauge: () => {},
};

/** Bounds from a tenth of a millisecond to a minute. */
export const secondsBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30, 60,
] as const;

/** A list of metrics, by the name that its daemon uses for each. */
export function defineMetrics<const Key extends string>(
  metrics: Readonly<Record<Key, MetricDefinition>>,
): Readonly<Record<Key, MetricDefinition>> {
  return metrics;
}
