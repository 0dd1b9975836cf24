import { timeText } from '@tessera/scaling';
import type { ConditionReport } from '../flink/cluster-status.ts';
import type { JobScaling } from './job-scaling.ts';

/** Vertices that are silent for less are not told of: a report may be late. */
const toldAfterMs = 30_000;
/** So many vertices are named. */
const mostNamed = 3;

/** Why a job is not kept the right size: nothing is decided while a vertex is silent; otherwise it is what the last decision says. */
export function scalingCondition(scaling: JobScaling): ConditionReport | undefined {
  return silenceOf(scaling) ?? scaling.condition;
}

function silenceOf({ silent = {}, readings, topology }: JobScaling): ConditionReport | undefined {
  const nowMs = readings.at(-1)?.timeMs ?? 0;
  const long = Object.entries(silent).filter(([, sinceMs]) => nowMs - sinceMs >= toldAfterMs);
  if (long.length === 0) return undefined;
  const names = new Map(topology?.vertices.map(({ id, name }) => [id, name || id]));
  const told = long
    .slice(0, mostNamed)
    .map(([id, sinceMs]) => `${names.get(id) ?? id} since ${timeText(sinceMs)}`);
  const more = long.length > mostNamed ? ` and of ${long.length - mostNamed} more` : '';
  const message = `Nothing new is reported of ${told.join(', of ')}${more}: the job keeps its size until it is.`;
  return { reason: 'METRICS_STALE', message };
}
