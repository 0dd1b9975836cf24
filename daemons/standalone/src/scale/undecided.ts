import { isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import { flink } from '@tessera/proto';

interface LookedAtJob {
  readonly job: flink.FlinkJob;
  /** Absent: no scheduler has looked at it yet. */
  readonly status?: flink.FlinkJobStatus;
}

/** @throws FLINK_JOB_NOT_FOUND */
export async function jobOf({ flinkJobs }: TesseraClient, name: string): Promise<LookedAtJob> {
  const job = await flinkJobs.getFlinkJob({ name });
  try {
    const status = await flinkJobs.getFlinkJobStatus({
      name: name.replace('jobs', 'job-statuses'),
    });
    return { job, status };
  } catch (error) {
    if (isTesseraError(error, 'FLINK_JOB_STATUS_NOT_FOUND')) return { job };
    throw error;
  }
}

/** Why nothing was decided about the size of a job, and what to do about it. */
export function whyNothing({ job, status }: LookedAtJob): string {
  const scaling = job.spec?.scaling;
  if (scaling === undefined)
    return 'its spec has no `scaling`, so that it keeps its parallelism: add one';
  if (scaling.paused) return 'its scaling is paused: set `paused: false`';
  if (status?.phase !== flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING) {
    return 'it does not run; `tessera flink job status` says what it waits for';
  }
  return 'it has not run for long enough; the first decision follows within seconds';
}
