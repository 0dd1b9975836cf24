import type { JobSample } from './sample.ts';
import { known, usableSamples } from './usable.ts';

/**
 * What was observed of a job, in bounded memory: all of the last minutes, one sample of each minute before. Samples
 * are kept as they came, so counters stay counters; a rate is taken from two of them when it is needed.
 */
export interface MetricHistory {
  /** Oldest first. */
  readonly samples: readonly JobSample[];
}

export interface MetricHistoryBounds {
  /** After all tasks run, what they report for so long says nothing: they initialise. */
  readonly quietMs: number;
  /** So long everything is kept. */
  readonly denseMs: number;
  /** So long one of each minute is kept. */
  readonly keptMs: number;
  /** Of all samples together, however often they come. */
  readonly samples: number;
}

const minuteMs = 60_000;

export const metricHistoryBounds: MetricHistoryBounds = {
  quietMs: 10_000,
  denseMs: 15 * minuteMs,
  keptMs: 6 * 60 * minuteMs,
  samples: 600,
};

/** So many samples in a row may lack a counter before it is believed to begin anew. */
const comparedSamples = 30;

export const noMetrics: MetricHistory = { samples: [] };

/**
 * The history with newer samples. Left out are those in which tasks initialise, and those that contradict what came
 * before; what a sample does not have stays absent.
 */
export function withSamples(
  { samples }: MetricHistory,
  fresh: readonly JobSample[],
  bounds: MetricHistoryBounds = metricHistoryBounds,
): MetricHistory {
  const settled = fresh.filter(
    ({ timeMs, runningSinceMs }) => timeMs >= runningSinceMs + bounds.quietMs,
  );
  const newer = settled.filter(({ timeMs }) => timeMs > (samples.at(-1)?.timeMs ?? -Infinity));
  const last = samples.slice(-comparedSamples).reduce<JobSample | undefined>(known, undefined);
  const all = [...samples, ...usableSamples(last, newer)];
  return { samples: thinned(all, bounds).slice(-bounds.samples) };
}

/** What came after a time: of a decision that was made then, what is new. */
export const samplesAfter = ({ samples }: MetricHistory, timeMs: number): readonly JobSample[] =>
  samples.filter((sample) => sample.timeMs > timeMs);

/** Of old samples the first of each minute and attempt is kept. */
function thinned(
  samples: readonly JobSample[],
  { denseMs, keptMs }: MetricHistoryBounds,
): readonly JobSample[] {
  const nowMs = samples.at(-1)?.timeMs ?? 0;
  let last: JobSample | undefined;
  return samples.filter((sample) => {
    const ageMs = nowMs - sample.timeMs;
    if (ageMs > keptMs) return false;
    if (ageMs <= denseMs) return true;
    const repeats =
      last?.runningSinceMs === sample.runningSinceMs && minuteOf(last) === minuteOf(sample);
    if (!repeats) last = sample;
    return !repeats;
  });
}

const minuteOf = ({ timeMs }: JobSample): number => Math.floor(timeMs / minuteMs);
