import { z } from 'zod';

/** What metrics are asked of. */
export type MetricScope =
  | { readonly kind: 'jobManager' }
  | { readonly kind: 'taskManager'; readonly id: string }
  | { readonly kind: 'job'; readonly jobId: string }
  | {
      readonly kind: 'subtask';
      readonly jobId: string;
      readonly vertexId: string;
      readonly index: number;
    }
  /** All subtasks of a vertex: a name begins with the subtask's index and a dot, `0.numRecordsIn`. */
  | { readonly kind: 'vertex'; readonly jobId: string; readonly vertexId: string };

/** Over the subtasks of a vertex that have the metric. */
export interface AggregatedMetric {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly sum: number;
}

export const metricNamesAnswer: z.ZodType<readonly string[]> = z
  .array(z.object({ id: z.string() }))
  .transform((metrics) => metrics.map(({ id }) => id));

/** What is no number, `NaN` among it, is missing: it is never zero. */
export const metricValuesAnswer: z.ZodType<ReadonlyMap<string, number>> = z
  .array(z.object({ id: z.string(), value: z.union([z.string(), z.number()]).optional() }))
  .transform((metrics) => {
    const values = metrics.map(({ id, value }) => [id, numberOf(value)] as const);
    return new Map(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
  });

const aggregate = z.union([z.string(), z.number()]).transform((value) => numberOf(value));

export const aggregatedMetricsAnswer: z.ZodType<ReadonlyMap<string, AggregatedMetric>> = z
  .array(
    z.object({ id: z.string(), min: aggregate, max: aggregate, avg: aggregate, sum: aggregate }),
  )
  .transform((metrics) => {
    const known = new Map<string, AggregatedMetric>();
    for (const { id, min, max, avg, sum } of metrics) {
      if (min === undefined || max === undefined || avg === undefined || sum === undefined)
        continue;
      known.set(id, { min, max, avg, sum });
    }
    return known;
  });

function numberOf(value: string | number | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
