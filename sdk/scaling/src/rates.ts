import type { JobSample, VertexSample } from './sample.ts';

type Metric = (vertex: VertexSample) => number | undefined;

/**
 * Growth of an accumulated counter per second, from the first sample that has it to the last. `undefined`
 * where fewer than two have it or no time passed. Samples are of one attempt of the job: counters begin
 * anew with each.
 */
export function counterRate(
  samples: readonly JobSample[],
  id: string,
  counter: Metric,
): number | undefined {
  const has = (sample: JobSample) => metricOf(sample, id, counter) !== undefined;
  const first = samples.find(has);
  const last = samples.findLast(has);
  if (first === undefined || last === undefined || last.timeMs <= first.timeMs) return undefined;
  const growth = metricOf(last, id, counter)! - metricOf(first, id, counter)!;
  return (growth * 1000) / (last.timeMs - first.timeMs);
}

/** Mean of a gauge over the samples that have it. */
export function gaugeMean(
  samples: readonly JobSample[],
  id: string,
  gauge: Metric,
): number | undefined {
  let sum = 0;
  let count = 0;
  for (const sample of samples) {
    const value = metricOf(sample, id, gauge);
    if (value === undefined) continue;
    sum += value;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

/** The newest value of a metric. */
export function latest(
  samples: readonly JobSample[],
  id: string,
  metric: Metric,
): number | undefined {
  const sample = samples.findLast((each) => metricOf(each, id, metric) !== undefined);
  return sample && metricOf(sample, id, metric);
}

/** What is not a finite number was not reported. */
function metricOf(sample: JobSample, id: string, metric: Metric): number | undefined {
  const vertex = sample.vertices[id];
  const value = vertex && metric(vertex);
  return Number.isFinite(value) ? value : undefined;
}

/** What of the samples belongs to one attempt of the job. */
export function ofAttempt(
  samples: readonly JobSample[],
  runningSinceMs: number,
): readonly JobSample[] {
  return samples.filter((sample) => sample.runningSinceMs === runningSinceMs);
}
