import { type FlinkJobSpec, specToRun } from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { jobSpecOf } from './job-spec.ts';
import { isActive, jobJournalOf } from './job-status.ts';

/**
 * What of a job runs, or is started next, with the cluster that it names: once the wanted spec was rejected that is the last one that proved stable, which may be of another cluster. What was submitted to one cluster and
 * written down as of another would be taken for lost, and started again beside itself. `undefined`: nothing of it runs or is started.
 */
export function presentSpec(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
): FlinkJobSpec | undefined {
  const deployed = status?.deployed?.spec;
  const isActiveOrGone = job?.spec === undefined || (status !== undefined && isActive(status));
  if (isActiveOrGone) return deployed && jobSpecOf(deployed);
  const wanted = jobSpecOf(job.spec);
  // What an earlier one of its name has been through says nothing about it.
  return status?.jobUid === job.uid ? specToRun(wanted, jobJournalOf(status)) : wanted;
}
