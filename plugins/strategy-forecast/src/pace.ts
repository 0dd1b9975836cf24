import type { JobSample, ObservedRescale } from '@tessera/scaling';
import type { ForecastConfig } from './config.ts';

/** So many samples tell something; what is decided by them cannot go faster than they come. */
const tellingSamples = 6;
/** The pace that the configuration is for. No job is scaled at a slower one. */
export const usualPaceMs = 60_000;
const spacings = 12;
const latestRescales = 3;

/**
 * How fast a job is scaled: the time in which something new can be known of it, or in which it is rescaled, whichever is
 * longer. Everything that takes its time is measured in it, so that a job that tells of itself each second and is
 * rescaled in some goes through the same decisions as one of minutes, only sooner.
 *
 * @param before what holds while there are too few samples of this attempt
 */
export function paceOf(
  samples: readonly JobSample[],
  rescales: readonly ObservedRescale[],
  before: number,
): number {
  if (samples.length < tellingSamples) return before;
  const recent = samples.slice(-spacings - 1);
  const gaps = recent.slice(1).map(({ timeMs }, i) => timeMs - recent[i]!.timeMs);
  const spacing = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]!;
  const downtimeMs = longestDowntime(rescales) ?? 0;
  return Math.min(usualPaceMs, Math.max(tellingSamples * spacing, downtimeMs));
}

/** Of the latest rescales. */
export function longestDowntime(rescales: readonly ObservedRescale[]): number | undefined {
  const recent = rescales.slice(-latestRescales).map(({ downtimeMs }) => downtimeMs);
  return recent.length === 0 ? undefined : Math.max(...recent);
}

/** What the configuration says for a pace of a minute, at another one: a change is as much cheaper as it is sooner over. */
export function atPace(config: ForecastConfig, paceMs: number): ForecastConfig {
  const part = paceMs / usualPaceMs;
  return {
    ...config,
    rescaleCost: config.rescaleCost * part,
    leadMs: config.leadMs * part,
    lastingMs: config.lastingMs * part,
    settleMs: config.settleMs * part,
    horizonMs: config.horizonMs * part,
    assumedDowntimeMs: config.assumedDowntimeMs * part,
  };
}
