import { Code, isTesseraError, resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import { flink } from '@tessera/proto';
import { slotsText } from '@tessera/scaling';
import { wantedSubtasks } from './flink/job-size.ts';
import { timeText } from './host-view.ts';
import { formatTable } from './table.ts';

/** How clusters and jobs of Flink, and how far they are carried out, are shown to people. */

/** What there is of one name. Without the resource: it was deleted, and is being stopped. */
export interface Watched<Wanted, Status> {
  readonly name: string;
  readonly wanted?: Wanted;
  readonly status?: Status;
}
export type WatchedCluster = Watched<flink.FlinkCluster, flink.FlinkClusterStatus>;
export type WatchedJob = Watched<flink.FlinkJob, flink.FlinkJobStatus>;

/** A word, and what has to happen before all is as wanted; empty: nothing. */
export interface Standing {
  readonly word: string;
  readonly waitsFor: string;
}

export async function watchedClusters(client: TesseraClient): Promise<WatchedCluster[]> {
  const [wanted, statuses] = await Promise.all([
    listAll(client, 'flinkClusters'),
    listAll(client, 'flinkClusterStatuses'),
  ]);
  return joined(wanted.resources, statuses.resources);
}

export async function watchedJobs(client: TesseraClient): Promise<WatchedJob[]> {
  const [wanted, statuses] = await Promise.all([
    listAll(client, 'flinkJobs'),
    listAll(client, 'flinkJobStatuses'),
  ]);
  return joined(wanted.resources, statuses.resources);
}

/** One cluster. @throws FLINK_CLUSTER_NOT_FOUND when nothing is wanted of that name, and nothing of it is left */
export function watchedCluster({ flinkClusters }: TesseraClient, id: string) {
  return watchedOne<flink.FlinkCluster, flink.FlinkClusterStatus>(
    id,
    flinkClusters.getFlinkCluster({ name: `flink-clusters/${id}` }),
    flinkClusters.getFlinkClusterStatus({ name: `flink-cluster-statuses/${id}` }),
  );
}

/** One job. @throws FLINK_JOB_NOT_FOUND */
export function watchedJob({ flinkJobs }: TesseraClient, id: string) {
  return watchedOne<flink.FlinkJob, flink.FlinkJobStatus>(
    id,
    flinkJobs.getFlinkJob({ name: `flink-jobs/${id}` }),
    flinkJobs.getFlinkJobStatus({ name: `flink-job-statuses/${id}` }),
  );
}

async function watchedOne<Wanted, Status>(
  name: string,
  wantedRead: Promise<Wanted>,
  statusRead: Promise<Status>,
): Promise<Watched<Wanted, Status>> {
  const [wanted, status] = await Promise.allSettled([wantedRead, present(statusRead)]);
  if (status.status === 'rejected') throw status.reason;
  if (wanted.status === 'fulfilled') {
    return { name, wanted: wanted.value, ...(status.value && { status: status.value }) };
  }
  const isEnding = isTesseraError(wanted.reason) && wanted.reason.code === Code.NOT_FOUND;
  if (!isEnding || status.value === undefined) throw wanted.reason;
  return { name, status: status.value };
}

export const clusterHeadings = ['NAME', 'FLINK', 'TASKMANAGERS', 'STATUS', 'WAITS FOR'] as const;

export function clusterRow(cluster: WatchedCluster): string[] {
  const { name, wanted } = cluster;
  const { word, waitsFor } = clusterStanding(cluster);
  return [name, wanted?.spec?.flinkVersion ?? '', taskManagersText(wanted?.spec), word, waitsFor];
}

/** How many are wanted; from the least to the most where jobs say how many. */
export function taskManagersText(spec: flink.FlinkClusterSpec | undefined): string {
  if (spec === undefined) return '';
  const { taskManagerCount: least, maxTaskManagerCount: most } = spec;
  return most > least ? `${least} to ${most}` : `${least}`;
}

export const jobHeadings = ['NAME', 'CLUSTER', 'PARALLELISM', 'STATUS', 'WAITS FOR'] as const;

export function jobRow(job: WatchedJob): string[] {
  const spec = job.wanted?.spec ?? job.status?.deployed?.spec;
  const { word, waitsFor } = jobStanding(job);
  return [
    job.name,
    spec === undefined ? '' : resourceIdOf(spec.cluster),
    `${wantedSubtasks(job) ?? ''}`,
    word,
    waitsFor,
  ];
}

export function clusterStanding({ wanted, status }: WatchedCluster): Standing {
  const unseen = unseenStanding(wanted, status);
  if (wanted?.paused) return { word: 'PAUSED', waitsFor: '' };
  if (unseen !== undefined) return unseen;
  const { waitsFor, started } = status!;
  if (waitsFor !== '') return { word: 'WAITING', waitsFor };
  return { word: started.length > 0 ? 'RUNNING' : 'STOPPED', waitsFor };
}

export function jobStanding({ wanted, status }: WatchedJob): Standing {
  const unseen = unseenStanding(wanted, status);
  if (unseen !== undefined) return unseen;
  const { phase, waitsFor } = status!;
  const isStopped = phase === flink.FlinkJobPhase.FLINK_JOB_PHASE_STOPPED;
  const word = isStopped && wanted?.spec?.suspended ? 'SUSPENDED' : phaseWord(phase);
  return { word, waitsFor };
}

/** While nobody has looked at what is wanted; `undefined`: somebody has. */
function unseenStanding(
  wanted: { readonly version: bigint } | undefined,
  status: { readonly version: bigint; readonly waitsFor: string } | undefined,
): Standing | undefined {
  if (wanted === undefined) {
    return { word: 'ENDING', waitsFor: status?.waitsFor || 'the scheduler to stop what is left' };
  }
  if (status === undefined) return { word: 'NEW', waitsFor: 'a scheduler to look at it' };
  if (status.version === wanted.version) return undefined;
  const waitsFor = status.waitsFor || `the scheduler to look at version ${wanted.version}`;
  return { word: 'CHANGING', waitsFor };
}

/** Such as `RUNNING`. */
function phaseWord(phase: flink.FlinkJobPhase): string {
  const word = flink.flinkJobPhaseToJSON(phase).replace('FLINK_JOB_PHASE_', '');
  return word === 'UNSPECIFIED' ? 'NEW' : word;
}

/** How far a cluster is carried out: where its processes are, and what is wrong. */
export async function clusterText(client: TesseraClient, id: string): Promise<string> {
  const cluster = await watchedCluster(client, id);
  const { status } = cluster;
  const standing = clusterStanding(cluster);
  const rows = (status?.placement ?? []).map(({ role, number, host, ports }) => [
    roleWord(role),
    String(number),
    resourceIdOf(host),
    ports.join(', '),
  ]);
  const table = formatTable(['PROCESS', 'NUMBER', 'HOST', 'PORTS'], rows);
  return `${standingText(standing)}\n${conditionsText(status)}${rows.length > 0 ? `\n${table}` : ''}`;
}

/** How far a job is carried out: what runs, what it would go on from, and what is wrong. */
export async function jobText(client: TesseraClient, id: string): Promise<string> {
  const job = await watchedJob(client, id);
  const { status } = job;
  const { attempt = 0n, deployed, restore, size } = status ?? {};
  const lines = [
    ...(deployed === undefined ? [] : [`attempt ${attempt}, job id ${deployed.jobId}\n`]),
    ...(size === undefined ? [] : [`scaled to ${slotsText(size.slots)}\n`]),
    ...(restore === undefined ? [] : [`goes on from ${restore.path}\n`]),
  ];
  const standing = jobStanding(job);
  return `${standingText(standing)}\n${lines.join('')}${conditionsText(status)}${savepointsText(status)}`;
}

/** Savepoints that were asked for, the newest first. Empty when there are none. */
function savepointsText(status: flink.FlinkJobStatus | undefined): string {
  const rows = (status?.savepoints ?? [])
    .toReversed()
    .map((one) => [
      timeText(one.startTime),
      flink.flinkSavepointStateToJSON(one.state).replace('FLINK_SAVEPOINT_STATE_', ''),
      one.path || one.failure,
    ]);
  return rows.length === 0 ? '' : `\n${formatTable(['ASKED FOR', 'SAVEPOINT', 'WHERE'], rows)}`;
}

/** Such as `WAITING: waits for the JobManager to answer`. */
export function standingText({ word, waitsFor }: Standing): string {
  return waitsFor === '' ? word : `${word}: waits for ${waitsFor}`;
}

/** One line for each, which terminals break: their messages are sentences. Empty when there are none. */
export function conditionsText(
  status: { readonly conditions: readonly flink.FlinkCondition[] } | undefined,
): string {
  const lines = (status?.conditions ?? []).map(
    ({ reason, message, sinceTime }) => `since ${timeText(sinceTime)} ${reason}: ${message}\n`,
  );
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

/** Such as `TASK_MANAGER`. */
function roleWord(role: flink.FlinkProcessRole): string {
  return flink.flinkProcessRoleToJSON(role).replace('FLINK_PROCESS_ROLE_', '');
}

/** `undefined` when it is not there. */
async function present<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isTesseraError(error) && error.reason.endsWith('_STATUS_NOT_FOUND')) return undefined;
    throw error;
  }
}

function joined<Wanted extends { readonly name: string }, Status extends { readonly name: string }>(
  wanted: readonly Wanted[],
  statuses: readonly Status[],
): Watched<Wanted, Status>[] {
  const wantedById = new Map(wanted.map((one) => [resourceIdOf(one.name), one]));
  const statusById = new Map(statuses.map((one) => [resourceIdOf(one.name), one]));
  return [...new Set([...wantedById.keys(), ...statusById.keys()])].sort().map((name) => {
    const [resource, status] = [wantedById.get(name), statusById.get(name)];
    return {
      name,
      ...(resource !== undefined && { wanted: resource }),
      ...(status !== undefined && { status }),
    };
  });
}
