/** That nothing is left of a run is believed after several looks: what was seen of each is kept here from one to the next. */
import type { RunLook } from '../proc/members.ts';
import type { ProcessStat } from '../proc/process-identity.ts';
import type { ObservedRun } from './decide.ts';

/** Nothing of a run was seen since a time, by every look. */
export interface Emptiness {
  readonly run: number;
  /** By the machine's time since its start. */
  readonly sinceMs: number;
  /** What became another program at the first look and at each since: it may be of the run. */
  readonly suspects: readonly ProcessStat[];
}

/** What is known after one more look that has found nothing. */
export function stillEmpty(
  before: Emptiness | undefined,
  { run, nowMs, changing }: { run: number; nowMs: number } & Pick<RunLook, 'changing'>,
): Emptiness {
  if (before?.run !== run) return { run, sinceMs: nowMs, suspects: changing };
  const suspects = before.suspects.filter((one) =>
    changing.some(({ pid, startTicks }) => pid === one.pid && startTicks === one.startTicks),
  );
  return { ...before, suspects };
}

/** @param emptiness absent: something was seen */
export function asObserved(
  emptiness: Emptiness | undefined,
  nowMs: number,
): Pick<ObservedRun, 'emptyForMs' | 'suspectCount'> {
  if (emptiness === undefined) return { suspectCount: 0 };
  const { sinceMs, suspects } = emptiness;
  return { emptyForMs: nowMs - sinceMs, suspectCount: suspects.length };
}
