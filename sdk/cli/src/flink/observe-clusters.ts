import { isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { Checkpoint } from '@tessera/flink-rest';
import { flink } from '@tessera/proto';
import {
  type WatchedCluster,
  type WatchedJob,
  watchedCluster,
  watchedClusters,
  watchedJobs,
} from '../flink-view.ts';
import { jobManagerOf, type LiveCluster, lastCheckpoint, liveCluster } from './job-manager.ts';
import { type LastDecision, lastDecision, scaledSlots } from './job-size.ts';
import { clusterOfJob } from './outcome.ts';

/** Clusters with their jobs: what is wanted, how far it is carried out, and what JobManagers say. */

export interface ObservedCluster {
  readonly cluster: WatchedCluster;
  /** Absent: the JobManager does not answer here. */
  readonly live?: LiveCluster;
  readonly jobs: readonly ObservedJob[];
}

export interface ObservedJob {
  readonly job: WatchedJob;
  /** The newest that is complete, of the attempt that runs. Absent: none, or not known. */
  readonly checkpoint?: Checkpoint;
  /** About its size. Absent: scaling does not look after it, or nothing is kept. */
  readonly decision?: LastDecision;
}

/** Jobs of one cluster that are asked for by themselves. */
const maxAsked = 50;

/** @param only one cluster. @throws FLINK_CLUSTER_NOT_FOUND */
export async function observeClusters(
  client: TesseraClient,
  only: string | undefined,
  signal: AbortSignal,
): Promise<ObservedCluster[]> {
  const [clusters, jobs] = await Promise.all([
    only === undefined
      ? watchedClusters(client)
      : watchedCluster(client, only).then((one) => [one]),
    watchedJobs(client),
  ]);
  return Promise.all(
    clusters.map((cluster) => {
      const own = jobs.filter((job) => clusterOfJob(job) === cluster.name);
      return observeCluster(client, cluster, own, signal);
    }),
  );
}

async function observeCluster(
  client: TesseraClient,
  cluster: WatchedCluster,
  jobs: readonly WatchedJob[],
  signal: AbortSignal,
): Promise<ObservedCluster> {
  const unknown = unknownWhenSilent(signal);
  const rest = await jobManagerOf(client, cluster).catch(unknown);
  const live = await liveCluster(rest, signal).catch(unknown);
  const observed = await Promise.all(
    jobs.map(async (job, i): Promise<ObservedJob> => {
      if (i >= maxAsked) return { job };
      const jobId = live && runningJobId(job);
      const [checkpoint, decision] = await Promise.all([
        jobId && lastCheckpoint(rest!, jobId, signal).catch(unknown),
        scaledSlots(job) && lastDecision(client, job.name),
      ]);
      return { job, ...(checkpoint && { checkpoint }), ...(decision && { decision }) };
    }),
  );
  return { cluster, ...(live && { live }), jobs: observed };
}

/** Of the attempt that runs, as Flink calls it. */
export function runningJobId({ status }: WatchedJob): string | undefined {
  const runs = status?.phase === flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING;
  return runs ? status.deployed?.jobId : undefined;
}

/** What a JobManager would have said that cannot be reached from here is not known. Other failures, and the end of the command, are thrown. */
export function unknownWhenSilent(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    const isOfFlink = isTesseraError(error) && /^FLINK_|^HOST_NOT_FOUND$/.test(error.reason);
    if (!isOfFlink || signal.aborted) throw error;
  };
}
