import type { FlinkJobSpec } from '../spec/job-spec.ts';
import { specDigest } from './identity.ts';
import type { JobJournal } from './journal.ts';
import type { ObservedRun } from './observed-job.ts';

/** How long a new spec may take to become stable. */
export const readinessMs = 5 * 60_000;

/** Attempts of one spec that may fail in a row. */
export const maxFailures = 5;

/** It runs, has completed two checkpoints without a restart, and keeps up with its input. That it runs alone says little. */
export function isStable(run: ObservedRun): boolean {
  return run.state === 'RUNNING' && run.checkpoints >= 2 && run.restarts === 0 && !run.isLagGrowing;
}

/** A new spec that does not become stable in time, while there is one to return to. */
export function isStuck(
  run: ObservedRun,
  wanted: FlinkJobSpec,
  { deployed, stable, rejected }: JobJournal,
): boolean {
  if (!wanted.rollback || stable === undefined) return false;
  const digest = specDigest(deployed!.spec);
  if (digest === specDigest(stable) || rejected.includes(digest)) return false;
  return run.ageMs > readinessMs && !isStable(run);
}

/** The wanted spec; once it was rejected, the last stable one. `undefined`: neither. */
export function specToRun(
  wanted: FlinkJobSpec,
  { stable, rejected }: JobJournal,
): FlinkJobSpec | undefined {
  if (!rejected.includes(specDigest(wanted))) return wanted;
  if (!wanted.rollback || stable === undefined) return undefined;
  return rejected.includes(specDigest(stable)) ? undefined : { ...stable, state: 'running' };
}
