import { messageOf, resourceIdOf } from '@tessera/base';
import type { flink } from '@tessera/proto';
import { carryOutJob } from './carry-out-job.ts';
import type { FlinkOptions } from './flink-options.ts';
import { JarSource } from './jar-source.ts';
import type { JobCluster } from './job-cluster.ts';
import { isActive } from './job-status.ts';
import type { Look } from './look.ts';
import type { Memory } from './memory.ts';

/** Jobs that are looked at side by side. */
const concurrency = 32;

export interface JobsWork extends FlinkOptions {
  readonly look: Look;
  readonly jobClusters: ReadonlyMap<string, JobCluster>;
  readonly ageMs: (key: string) => number;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

/** Side by side: a job that waits for its program keeps no other from being looked at, but the next look waits for it. */
export async function carryOutJobs({
  look,
  jobClusters,
  memory,
  ...options
}: JobsWork): Promise<void> {
  const { jobs, jobStatuses, hosts } = look;
  const none: JobCluster = {
    ...{ stateDirectory: undefined, haltsJobs: false, jobManager: undefined, gateway: undefined },
    jars: new JarSource(hosts, options.workDirectory),
  };
  const ids = [...new Set([...jobs.keys(), ...jobStatuses.keys()])];
  for (let i = 0; i < ids.length; i += concurrency) {
    await Promise.all(
      ids.slice(i, i + concurrency).map((id) => {
        const before = jobStatuses.get(id);
        const job = sameJob(jobs.get(id), before);
        const on = clusterNameOf(job, before);
        const cluster = jobClusters.get(on) ?? none;
        const { refusals, details } = memory;
        const work = { ...options, id, job, before, cluster, refusals, details };
        return isolated(options, { job: id }, () => carryOutJob(work));
      }),
    );
  }
}

/** A job of the same name that was created later has to wait until the earlier one has ended. */
function sameJob(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
): flink.FlinkJob | undefined {
  return status === undefined || status.jobUid === job?.uid ? job : undefined;
}

/** What runs is where it was submitted; what does not is where it is wanted. */
function clusterNameOf(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
): string {
  const runs = status !== undefined && isActive(status) ? status.deployed?.spec : undefined;
  return resourceIdOf(runs?.cluster ?? job?.spec?.cluster ?? status?.deployed?.spec?.cluster ?? '');
}

/** One that fails keeps no other from being carried out. */
export async function isolated<T>(
  { log }: FlinkOptions,
  what: object,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    log.warn({ ...what, error: messageOf(error) }, 'flink.carrying-out-failed');
    return undefined;
  }
}
