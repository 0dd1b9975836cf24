import { formatCount, formatTable } from '../table.ts';
import { wrapWords } from '../wrap-words.ts';
import { sizeText } from './job-size.ts';
import type { ClusterLoad, JobLoad, Load } from './load.ts';

/** Load as people read it. */

/** What stands where nothing is known. */
const unknown = '-';

/** @param columns that sentences are broken at; absent: they are not */
export function loadTables({ clusters, jobs }: Load, columns = Number.POSITIVE_INFINITY): string {
  if (clusters.length === 0)
    return "There is no Flink cluster: 'tessera flink up FILE' makes one.\n";
  const clusterTable = formatTable(
    ['CLUSTER', 'STATUS', 'TASKMANAGERS', 'SLOTS', 'FREE'],
    clusters.map((one) => [
      one.name,
      one.status,
      taskManagersOf(one),
      countOf(one.slots),
      countOf(one.freeSlots),
    ]),
  );
  const jobTable = formatTable(
    ['JOB', 'CLUSTER', 'STATUS', 'IN/S', 'OUT/S', 'LAG', 'BUSY', 'PARALLELISM', 'SLOTS'],
    jobs.map((one) => [
      one.name,
      one.cluster,
      one.status,
      countOf(one.inPerSecond),
      countOf(one.outPerSecond),
      countOf(one.lag),
      busyOf(one),
      parallelismOf(one),
      countOf(one.slots),
    ]),
  );
  const sentences = [
    ...clusters.map((one) => waitsText('cluster', one)),
    ...jobs.flatMap((one) => [waitsText('job', one), ageText(one), sizeOf(one)]),
  ].filter((sentence) => sentence !== '');
  const lines = sentences.flatMap((sentence) => wrapWords(sentence, columns));
  return [
    clusterTable,
    jobs.length === 0 ? '' : jobTable,
    lines.map((line) => `${line}\n`).join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** One line for each cluster and each job, for logs. */
export function loadLines({ clusters, jobs }: Load): string[] {
  return [
    ...clusters.map((one) => {
      const slots = `${countOf(one.slots)} slots, ${countOf(one.freeSlots)} free`;
      return `cluster ${one.name}: ${one.status}, ${taskManagersText(one)}, ${slots}${waits(one)}`;
    }),
    ...jobs.map((one) => {
      const rates = `in ${countOf(one.inPerSecond)}/s, out ${countOf(one.outPerSecond)}/s`;
      const rest = `lag ${countOf(one.lag)}, busy ${busyOf(one)}, parallelism ${parallelismOf(one)}, slots ${countOf(one.slots)}`;
      return `job ${one.name} on ${one.cluster}: ${one.status}, ${rates}, ${rest}${waits(one)}`;
    }),
    ...jobs.flatMap((one) => [ageText(one), sizeOf(one)]).filter((line) => line !== ''),
  ];
}

/** Empty when nothing is waited for. */
function waitsText(kind: 'cluster' | 'job', { name, waitsFor }: ClusterLoad | JobLoad): string {
  return waitsFor === '' ? '' : `${kind} ${name} waits for ${waitsFor}`;
}

/** Rates that are younger are as good as new. */
const oldMs = 5_000;

/** How old rates are that are not of now; empty where they are. */
function ageText({ name, ratesAgeMs = 0 }: JobLoad): string {
  if (ratesAgeMs < oldMs) return '';
  const age = `${Math.round(ratesAgeMs / 1000)} s`;
  return `job ${name}: its tasks have reported nothing for ${age}; IN/S, OUT/S and BUSY are as they were then`;
}

function waits({ waitsFor }: ClusterLoad | JobLoad): string {
  return waitsFor === '' ? '' : `; waits for ${waitsFor}`;
}

function countOf(count: number | undefined): string {
  return count === undefined ? unknown : formatCount(Math.round(count));
}

function busyOf({ busy }: JobLoad): string {
  return busy === undefined ? unknown : `${Math.round(busy * 100)}%`;
}

/** `2 of 3` while they differ. */
function taskManagersOf({ taskManagers, wantedTaskManagers }: ClusterLoad): string {
  return both(taskManagers, wantedTaskManagers);
}

function taskManagersText(one: ClusterLoad): string {
  const count = taskManagersOf(one);
  return `${count} ${count === '1' ? 'TaskManager' : 'TaskManagers'}`;
}

/** Why scaling wants it as large as it is; empty where it does not look after it. */
function sizeOf({ name, scaledSlots, decision }: JobLoad): string {
  return scaledSlots === undefined ? '' : sizeText(name, scaledSlots, decision);
}

function parallelismOf({ parallelism, wantedParallelism }: JobLoad): string {
  return both(parallelism, wantedParallelism);
}

function both(is: number | undefined, wanted: number | undefined): string {
  if (wanted === undefined || is === wanted) return countOf(is);
  return `${countOf(is)} of ${countOf(wanted)}`;
}
