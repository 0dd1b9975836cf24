import { resourceIdOf } from '@tessera/base';
import type { flink } from '@tessera/proto';
import {
  clusterStanding,
  conditionsText,
  jobStanding,
  standingText,
  taskManagersText,
} from '../flink-view.ts';
import { formatTable, formatTime } from '../table.ts';
import type { LiveCluster } from './job-manager.ts';
import { scaledSlots, sizeText, wantedSubtasks } from './job-size.ts';
import type { ObservedCluster, ObservedJob } from './observe-clusters.ts';
import { clusterOutcome, jobOutcome } from './outcome.ts';
import { type FlinkProcess, processesOf } from './processes.ts';

/** Clusters and their jobs as people read them. */

/** Whether the cluster and all its jobs are as they are wanted. */
export function isAsWanted({ cluster, jobs }: ObservedCluster): boolean {
  return clusterOutcome(cluster).isDone && jobs.every(({ job }) => jobOutcome(job).isDone);
}

export function statusText(observed: ObservedCluster): string {
  const { cluster, live, jobs } = observed;
  const processes = processesOf(cluster);
  const rows = processes.map((one) => [
    one.short,
    resourceIdOf(one.host),
    stateOf(one, live),
    one.ports.join(', '),
  ]);
  const parts = [
    `cluster ${cluster.name}: ${standingText(clusterStanding(cluster))}\n${factsOf(observed)}\n`,
    rows.length === 0 ? '' : formatTable(['PROCESS', 'HOST', 'STATE', 'PORTS'], rows),
    conditionsText(cluster.status).trimStart(),
    jobs.length === 0 ? '' : formatTable(jobHeadings, jobs.map(jobRow)),
    jobs.map(scalingLine).join(''),
    ...jobs.map(({ job }) => {
      const table = conditionsText(job.status).trimStart();
      return table === '' ? '' : `job ${job.name}:\n${table}`;
    }),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Empty where scaling does not look after it. */
function scalingLine({ job, decision }: ObservedJob): string {
  const slots = scaledSlots(job);
  return slots === undefined ? '' : `${sizeText(job.name, slots, decision)}\n`;
}

function factsOf({ cluster: { wanted }, live }: ObservedCluster): string {
  const { flinkVersion } = wanted?.spec ?? {};
  const slots =
    live === undefined
      ? 'slots are not known: its JobManager does not answer here'
      : `${live.overview.slots} slots, ${live.overview.freeSlots} free`;
  const facts = [
    flinkVersion === undefined ? '' : `Flink ${flinkVersion}`,
    wanted === undefined ? '' : `version ${wanted.version}`,
    wanted?.spec === undefined ? '' : wantedText(wanted.spec),
    slots,
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

function wantedText(spec: flink.FlinkClusterSpec): string {
  const count = taskManagersText(spec);
  return `${count} ${count === '1' ? 'TaskManager' : 'TaskManagers'} wanted`;
}

/** A process that has come so far that Flink knows it, or only so far that its host was told to start it. */
function stateOf(
  { short, isStarted, process }: FlinkProcess,
  live: LiveCluster | undefined,
): string {
  if (!isStarted) return 'placed';
  if (short.startsWith('jm-')) return live === undefined ? 'started' : 'answers';
  const id = process.slice('processes/'.length);
  const isKnown = live?.taskManagers.some((one) => one.id === id);
  return isKnown ? 'registered' : 'started';
}

export const jobHeadings = [
  'JOB',
  'STATUS',
  'VERSION',
  'PARALLELISM',
  'ATTEMPT',
  'CHECKPOINT',
  'GOES ON FROM',
  'WAITS FOR',
] as const;

export function jobRow({ job, checkpoint }: ObservedJob): string[] {
  const { wanted, status } = job;
  const { word, waitsFor } = jobStanding(job);
  return [
    job.name,
    word,
    `${wanted?.version ?? ''}`,
    `${wantedSubtasks(job) ?? ''}`,
    status === undefined || status.attempt === 0n ? '' : String(status.attempt),
    checkpoint === undefined
      ? ''
      : `${checkpoint.id} at ${formatTime(BigInt(checkpoint.triggeredAtMs) * 1000n)}`,
    shortPath(status?.restore?.path ?? ''),
    waitsFor,
  ];
}

/** The end of a path, which is what tells checkpoints and savepoints apart. */
function shortPath(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
