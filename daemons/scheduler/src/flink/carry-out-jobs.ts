import { messageOf } from '@tessera/base';
import type { JobSize } from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { mayLagGrow } from '../scaling/lag-of-job.ts';
import { scalingCondition } from '../scaling/scaling-condition.ts';
import type { SlotNeeds } from '../scaling/slot-needs.ts';
import { carryOutJob } from './carry-out-job.ts';
import type { FlinkOptions } from './flink-options.ts';
import { JarSource } from './jar-source.ts';
import type { JobCluster } from './job-cluster.ts';
import type { Look } from './look.ts';
import type { Memory } from './memory.ts';
import { presentSpec } from './present-spec.ts';

/** Jobs that are looked at side by side. */
const concurrency = 32;
/** How long a look waits for them. */
const patienceMs = 1_000;

export interface JobsWork extends FlinkOptions {
  readonly look: Look;
  /** Jobs of which a step was under way when the look began: what it saw of them is old. */
  readonly busy: ReadonlySet<string>;
  readonly jobClusters: ReadonlyMap<string, JobCluster>;
  readonly needs: SlotNeeds;
  /** What scaling wants of a job. */
  readonly sizeOf: (job: string) => JobSize | undefined;
  readonly ageMs: (key: string) => number;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

/** Side by side. One whose step takes long goes on by itself, and is looked at again when that has ended. */
export async function carryOutJobs({
  look,
  busy,
  jobClusters,
  needs,
  sizeOf,
  memory,
  ...options
}: JobsWork): Promise<void> {
  const { jobs, jobStatuses, hosts } = look;
  const { refusals, unscalable, details, restarts, failedSteps, unaskedEnds } = memory;
  const { underWay, scalings } = memory;
  const none: JobCluster = {
    ...{ stateDirectory: undefined, haltsJobs: false, jobManager: undefined, gateway: undefined },
    jars: new JarSource(hosts, options.workDirectory),
  };
  const carryOut = (id: string) => {
    const before = jobStatuses.get(id);
    const job = sameJob(jobs.get(id), before);
    const clusterId = presentSpec(job, before)?.cluster ?? '';
    const cluster = jobClusters.get(clusterId) ?? none;
    const size = sizeOf(id);
    const known = scalings.get(id);
    const work = {
      ...{
        ...options,
        id,
        job,
        before,
        cluster,
        refusals,
        unscalable,
        details,
        restarts,
        failedSteps,
        unaskedEnds,
      },
      ...(size !== undefined && { size }),
      isLagGrowing: (jobId: string, ageMs: number) => {
        const isScaled = job?.spec?.scaling !== undefined;
        return mayLagGrow(scalings.get(id), { jobId, ageMs, isScaled });
      },
      otherSlots: needs.ofOthers(clusterId, id),
      scalingCondition: known && job?.spec?.scaling && scalingCondition(known),
    };
    return isolated(options, { job: id }, () => carryOutJob(work));
  };
  const ids = [...new Set([...jobs.keys(), ...jobStatuses.keys()])];
  const idle = ids.filter((id) => !busy.has(id));
  for (let i = 0; i < idle.length; i += concurrency) {
    const begun = idle.slice(i, i + concurrency).map((id) => {
      return underWay.begin(id, () => carryOut(id));
    });
    await withPatience(Promise.all(begun), options);
  }
}

/** Waits for work for a moment; then it goes on beside what is waiting. */
export async function withPatience(
  work: Promise<unknown>,
  { clock, signal }: Pick<JobsWork, 'clock' | 'signal'>,
): Promise<void> {
  const ended = new AbortController();
  const over = clock.sleep(patienceMs, AbortSignal.any([ended.signal, signal])).catch(() => {});
  await Promise.race([work, over]);
  ended.abort('the work is done');
}

/** A job of the same name that was created later has to wait until the earlier one has ended. */
export function sameJob(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
): flink.FlinkJob | undefined {
  return status === undefined || status.jobUid === job?.uid ? job : undefined;
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
