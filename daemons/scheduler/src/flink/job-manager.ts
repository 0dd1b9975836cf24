import { type Clock, isTesseraError } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { RegisteredTaskManager } from '@tessera/flink';
import type { FlinkRestClient, JobSummary } from '@tessera/flink-rest';

/** What carrying out asks of a JobManager. */
export type FlinkRest = Pick<
  FlinkRestClient,
  | 'aggregatedMetricNames'
  | 'aggregatedMetrics'
  | 'cancel'
  | 'checkpoints'
  | 'endedBy'
  | 'exceptions'
  | 'jars'
  | 'job'
  | 'jobManagerRun'
  | 'jobs'
  | 'metrics'
  | 'resourceRequirements'
  | 'runJar'
  | 'savepoint'
  | 'setResourceRequirements'
  | 'stopWithSavepoint'
  | 'taskManagers'
  | 'triggerCheckpoint'
  | 'triggerSavepoint'
  | 'uploadJar'
>;

/** A JobManager that answers. All of it is of one run. */
export interface SeenJobManager {
  readonly rest: FlinkRest;
  readonly run: string;
  /** By their ids, which are those of their processes. */
  readonly taskManagers: ReadonlyMap<string, RegisteredTaskManager>;
  readonly jobs: readonly JobSummary[];
}

/** What came of a look at a JobManager: itself, or the reason for which it says nothing, such as FLINK_UNREACHABLE. */
export type JobManagerSight =
  | { readonly jobManager: SeenJobManager; readonly silence?: undefined }
  | { readonly jobManager: undefined; readonly silence: string };

/** Task slots of all TaskManagers that a JobManager knows. */
export function registeredSlots({ taskManagers }: SeenJobManager): number {
  return [...taskManagers.values()].reduce((sum, { slots }) => sum + slots, 0);
}

export function silent(silence: string): JobManagerSight {
  return { jobManager: undefined, silence };
}

const lookDeadlineMs = 5_000;
/** It has not answered within the time of a look. */
export const jobManagerSlow = 'JOBMANAGER_SLOW';

/** What a JobManager says of itself. One that was started again meanwhile says nothing. */
export async function observeJobManager(
  rest: FlinkRest,
  { clock, signal: parent }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<JobManagerSight> {
  const asked = async (signal: AbortSignal): Promise<JobManagerSight> => {
    const run = await rest.jobManagerRun(signal);
    const [taskManagers, jobs] = await Promise.all([rest.taskManagers(signal), rest.jobs(signal)]);
    const isSame = (await rest.jobManagerRun(signal)) === run;
    const known = new Map(
      taskManagers.map(({ id, slots, freeSlots }) => [id, { slots, freeSlots }]),
    );
    if (!isSame) return silent('JOBMANAGER_RESTARTED');
    return { jobManager: { rest, run, taskManagers: known, jobs } };
  };
  const slow = { what: 'asking a JobManager', reason: jobManagerSlow, parent, clock };
  try {
    return await withDeadline(lookDeadlineMs, asked, slow);
  } catch (error) {
    if (isTesseraError(error) && !parent.aborted) return silent(error.reason);
    throw error;
  }
}
