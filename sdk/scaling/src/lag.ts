import type { JobSample } from './sample.ts';

/** Of so long it is judged. */
const windowMs = 60_000;
/** What is younger says little: a job that starts has something to catch up with. */
const leastSpanMs = 20_000;
/** Of what a job reads meanwhile: less is noise. */
const leastShare = 0.05;

/**
 * Whether what waits in front of a job's sources grows, in the last minute of one attempt: in its second half more waits than in its first, by a twentieth of what the job reads in that time. `undefined`: not known, as no source tells
 * what waits, or not for long enough.
 *
 * @param samples of one attempt, oldest first
 */
export function isLagGrowing(samples: readonly JobSample[]): boolean | undefined {
  const lastMs = samples.at(-1)?.timeMs ?? 0;
  const told = samples
    .filter(({ timeMs }) => timeMs > lastMs - windowMs)
    .flatMap((sample) => {
      const told = sourcesOf(sample);
      return told === undefined ? [] : [{ timeMs: sample.timeMs, ...told }];
    });
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const spanMs = last.timeMs - first.timeMs;
  if (spanMs < leastSpanMs) return undefined;
  const middleMs = first.timeMs + spanMs / 2;
  const early = told.filter(({ timeMs }) => timeMs <= middleMs);
  const late = told.filter(({ timeMs }) => timeMs > middleMs);
  // The middles of both halves are half a window apart.
  const read = (last.read - first.read) / 2;
  return meanLag(late) - meanLag(early) > Math.max(1, read * leastShare);
}

interface Told {
  readonly lag: number;
  readonly read: number;
}

/** Of all sources that tell what waits in front of them. */
function sourcesOf({ vertices }: JobSample): Told | undefined {
  const sources = Object.values(vertices).filter(({ lagRecords }) => Number.isFinite(lagRecords));
  if (sources.length === 0) return undefined;
  return {
    lag: sources.reduce((sum, { lagRecords = 0 }) => sum + lagRecords, 0),
    read: sources.reduce((sum, { recordsIn = 0 }) => sum + recordsIn, 0),
  };
}

function meanLag(told: readonly Told[]): number {
  return told.reduce((sum, { lag }) => sum + lag, 0) / told.length;
}
