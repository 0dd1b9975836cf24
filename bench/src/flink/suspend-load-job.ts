import { systemClock } from '@tessera/base';
import type { Connection } from '@tessera/client';
import { flink } from '@tessera/proto';
import { jobName } from './load-job.ts';

const limitMs = 120_000;
const pollMs = 100;

/** Stops the job with a savepoint: then it has committed all that it has read. @throws Error when that takes too long */
export async function suspendLoadJob({ flinkJobs }: Pick<Connection, 'flinkJobs'>): Promise<void> {
  const { spec } = await flinkJobs.getFlinkJob({ name: jobName });
  const flinkJob = { name: jobName, spec: { ...spec!, suspended: true } };
  const { version } = await flinkJobs.updateFlinkJob({ flinkJob });
  const name = jobName.replace('flink-jobs', 'flink-job-statuses');
  const limit = Date.now() + limitMs;
  while (Date.now() < limit) {
    const status = await flinkJobs.getFlinkJobStatus({ name });
    const { FLINK_JOB_PHASE_STOPPED: stopped } = flink.FlinkJobPhase;
    if (status.version === version && status.phase === stopped) return;
    await systemClock.sleep(pollMs);
  }
  throw new Error(`The job has not stopped after ${limitMs / 1_000} s.`);
}
