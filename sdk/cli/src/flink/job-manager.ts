import type { TesseraClient } from '@tessera/client';
import {
  type Checkpoint,
  type ClusterOverview,
  FlinkRestClient,
  type JobSummary,
  type TaskManager,
} from '@tessera/flink-rest';
import type { WatchedCluster } from '../flink-view.ts';
import { processesOf } from './processes.ts';

/** What JobManagers say at present, asked from here. */

/** For one call: a machine that cannot reach the JobManager is not to wait for it. */
const deadlineMs = 3_000;

/** Its REST interface; `undefined`: it is not placed, or its host is not known. */
export async function jobManagerOf(
  { hosts }: TesseraClient,
  cluster: WatchedCluster,
): Promise<FlinkRestClient | undefined> {
  const placed = processesOf(cluster).find(({ short }) => short.startsWith('jm-'));
  // Its ports are for its own protocol, the REST interface and files, in this order.
  const port = placed?.ports[1];
  if (placed === undefined || port === undefined) return undefined;
  const { address } = await hosts.getHost({ name: placed.host });
  const host = address.slice(0, address.lastIndexOf(':'));
  return new FlinkRestClient({ url: `http://${host}:${port}`, deadlineMs });
}

export interface LiveCluster {
  readonly overview: ClusterOverview;
  readonly taskManagers: readonly TaskManager[];
  readonly jobs: readonly JobSummary[];
}

/** `undefined`: it does not answer here, or not as a JobManager does. */
export async function liveCluster(
  rest: FlinkRestClient | undefined,
  signal: AbortSignal,
): Promise<LiveCluster | undefined> {
  if (rest === undefined) return undefined;
  const [overview, taskManagers, jobs] = await Promise.all([
    rest.clusterOverview(signal),
    rest.taskManagers(signal),
    rest.jobs(signal),
  ]);
  return { overview, taskManagers, jobs };
}

/** The newest one that is complete; `undefined`: there is none, or it is not known. */
export async function lastCheckpoint(
  rest: FlinkRestClient,
  jobId: string,
  signal: AbortSignal,
): Promise<Checkpoint | undefined> {
  return (await rest.checkpoints(jobId, signal)).latestCompleted;
}
