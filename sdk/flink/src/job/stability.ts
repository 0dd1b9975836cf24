import type { FlinkJobSpec } from '../spec/job-spec.ts';
import { specDigest } from './identity.ts';
import type { JobJournal } from './journal.ts';
import type { ObservedRun } from './observed-job.ts';

/** How long a new spec may take to become stable. */
export const readinessMs = 5 * 60_000;

/** Attempts of one spec that may fail in a row. */
export const maxFailures = 5;

/** So many restarts within minutes, without a checkpoint between them, are told of. */
export const manyRestarts = 3;

/** So many say that a spec which has never proved stable will not. */
const tooManyRestarts = 10;

/** It runs, has completed two checkpoints without a restart between or after them, and keeps up with its input. That it runs alone says little. */
export function isStable(run: ObservedRun): boolean {
  return run.state === 'RUNNING' && run.unbrokenCheckpoints >= 2 && !run.isLagGrowing;
}

/**
 * A new spec that does not become stable in time and shows why, while there is one to return to; or the first one, when Flink restarts it again and again. One whose checkpoints are far apart takes as long as they do, and
 * a restart by the loss of a TaskManager or by a rescale says nothing against it. A batch job has no checkpoints to prove itself by: it ends or fails.
 */
export function isStuck(
  run: ObservedRun,
  wanted: FlinkJobSpec,
  { deployed, stable, rejected }: JobJournal,
): boolean {
  if (!wanted.rollback || run.isBatch || run.ageMs <= readinessMs) return false;
  const digest = specDigest(deployed!.spec);
  if (rejected.includes(digest)) return false;
  if (stable === undefined) return (run.lateRestarts ?? 0) >= tooManyRestarts;
  return digest !== specDigest(stable) && !isStable(run) && isUnwell(run);
}

function isUnwell(run: ObservedRun): boolean {
  const { isLagGrowing, checkpointsFail = false, unreadyMs = 0, lateRestarts = 0 } = run;
  const restarts = lateRestarts >= manyRestarts;
  return restarts || isLagGrowing || checkpointsFail || unreadyMs > readinessMs;
}

/** Why a run that is stuck is left, in words. */
export function stuckFor({ restarts, checkpoints, failure }: ObservedRun): string {
  return `It has not become stable within ${readinessMs / 60_000} minutes: ${checkpoints} checkpoints, ${restarts} restarts.${because(failure)}`;
}

/** The reason at the end of a message, where one is known. */
export function because(failure: string | undefined): string {
  return failure === undefined ? '' : ` Reason: ${failure}`;
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
