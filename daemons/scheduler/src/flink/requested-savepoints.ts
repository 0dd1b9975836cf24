import type { RequestedSavepoint, SavepointOutcome } from '@tessera/flink';
import { flink, type Timestamp } from '@tessera/proto';

/** Between savepoints that were asked for in the status of a job and those in its journal. */

const {
  FLINK_SAVEPOINT_STATE_IN_PROGRESS,
  FLINK_SAVEPOINT_STATE_COMPLETED,
  FLINK_SAVEPOINT_STATE_FAILED,
} = flink.FlinkSavepointState;

const states: Readonly<Record<SavepointOutcome['kind'], flink.FlinkSavepointState>> = {
  'in progress': FLINK_SAVEPOINT_STATE_IN_PROGRESS,
  completed: FLINK_SAVEPOINT_STATE_COMPLETED,
  failed: FLINK_SAVEPOINT_STATE_FAILED,
};

export function savepointOf(savepoint: flink.FlinkSavepoint): RequestedSavepoint {
  const { request, jobId } = savepoint;
  return { request, jobId, outcome: outcomeOf(savepoint) };
}

function outcomeOf({ state, path, failure }: flink.FlinkSavepoint): SavepointOutcome {
  switch (state) {
    case FLINK_SAVEPOINT_STATE_COMPLETED:
      return { kind: 'completed', path };
    case FLINK_SAVEPOINT_STATE_FAILED:
      return { kind: 'failed', failure };
    default:
      return { kind: 'in progress' };
  }
}

/** @param known the same as it was written last, which says when it began and ended */
export function savepointToProto(
  { request, jobId, outcome }: RequestedSavepoint,
  known: flink.FlinkSavepoint | undefined,
  now: Timestamp,
): flink.FlinkSavepoint {
  return {
    ...{ request, jobId, state: states[outcome.kind] },
    path: outcome.kind === 'completed' ? outcome.path : '',
    failure: outcome.kind === 'failed' ? outcome.failure : '',
    startTime: known?.startTime ?? now,
    endTime: outcome.kind === 'in progress' ? undefined : (known?.endTime ?? now),
  };
}
