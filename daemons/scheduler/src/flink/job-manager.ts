import { isTesseraError } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { RegisteredTaskManager } from '@tessera/flink';
import type { FlinkRestClient, JobSummary } from '@tessera/flink-rest';

/** What carrying out asks of a JobManager. */
export type FlinkRest = Pick<
  FlinkRestClient,
  | 'cancel'
  | 'checkpoints'
  | 'jars'
  | 'jobManagerRun'
  | 'jobs'
  | 'metrics'
  | 'resourceRequirements'
  | 'runJar'
  | 'savepoint'
  | 'setResourceRequirements'
  | 'stopWithSavepoint'
  | 'taskManagers'
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

const lookDeadlineMs = 5_000;

/** What a JobManager says of itself; `undefined` when it does not answer as one does, or was started again meanwhile. */
export async function observeJobManager(
  rest: FlinkRest,
  parent: AbortSignal,
): Promise<SeenJobManager | undefined> {
  const asked = async (signal: AbortSignal) => {
    const run = await rest.jobManagerRun(signal);
    const [taskManagers, jobs] = await Promise.all([rest.taskManagers(signal), rest.jobs(signal)]);
    const isSame = (await rest.jobManagerRun(signal)) === run;
    const known = new Map(
      taskManagers.map(({ id, slots, freeSlots }) => [id, { slots, freeSlots }]),
    );
    return isSame ? { rest, run, taskManagers: known, jobs } : undefined;
  };
  const slow = { what: 'asking a JobManager', reason: 'JOBMANAGER_SLOW', parent };
  try {
    return await withDeadline(lookDeadlineMs, asked, slow);
  } catch (error) {
    if (isTesseraError(error) && !parent.aborted) return undefined;
    throw error;
  }
}
