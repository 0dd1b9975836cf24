import { resourceIdOf } from '@tessera/base';
import { type JobSize, specToRun } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { jobSpecOf } from '../flink/job-spec.ts';
import { isActive, jobJournalOf } from '../flink/job-status.ts';

/** What jobs need of the slots of their clusters. Nothing is taken from a job before it has given it back. */
export class SlotNeeds {
  readonly #byCluster: ReadonlyMap<string, ReadonlyMap<string, number>>;

  constructor(
    jobs: ReadonlyMap<string, flink.FlinkJob>,
    statuses: ReadonlyMap<string, flink.FlinkJobStatus>,
    sizeOf: (job: string) => JobSize | undefined,
  ) {
    const byCluster = new Map<string, Map<string, number>>();
    for (const id of new Set([...jobs.keys(), ...statuses.keys()])) {
      const need = needOf(jobs.get(id), statuses.get(id), sizeOf(id));
      if (need === undefined) continue;
      const ofCluster = byCluster.get(need.cluster) ?? new Map<string, number>();
      byCluster.set(need.cluster, ofCluster.set(id, need.slots));
    }
    this.#byCluster = byCluster;
  }

  /** By job. */
  of(cluster: string): ReadonlyMap<string, number> {
    return this.#byCluster.get(cluster) ?? new Map();
  }

  total(cluster: string): number {
    return [...this.of(cluster).values()].reduce((sum, slots) => sum + slots, 0);
  }

  /** Of all jobs of the cluster but one. */
  ofOthers(cluster: string, job: string): number {
    return this.total(cluster) - (this.of(cluster).get(job) ?? 0);
  }
}

function needOf(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
  size: JobSize | undefined,
): { readonly cluster: string; readonly slots: number } | undefined {
  const { FLINK_JOB_PHASE_FINISHED } = flink.FlinkJobPhase;
  const runs = status !== undefined && isActive(status) ? status.deployed?.spec : undefined;
  const isWanted = job?.spec?.suspended === false && status?.phase !== FLINK_JOB_PHASE_FINISHED;
  const spec = runs ?? (isWanted && !isGivenUp(job, status) ? job.spec : undefined);
  if (spec === undefined) return undefined;
  return { cluster: resourceIdOf(spec.cluster), slots: size?.slots ?? spec.parallelism };
}

/** It is not started before its spec is changed. */
function isGivenUp({ uid, spec }: flink.FlinkJob, status: flink.FlinkJobStatus | undefined) {
  if (spec === undefined || status?.jobUid !== uid) return false;
  return specToRun(jobSpecOf(spec), jobJournalOf(status)) === undefined;
}
