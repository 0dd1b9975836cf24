import { resourceIdOf } from '@tessera/base';
import type { PlacedProcess } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { placementOf } from '../cluster-status.ts';
import { flinkProcessIdOf } from '../process-id.ts';
import { type Attempt, nameOf, slotsEach } from './attempt.ts';
import { isUnreadable } from './machine.ts';
import type { Platform } from './platform.ts';
import { mostTaskManagers, type Users, type Wish } from './users.ts';

/** What is not as it is wanted yet, in words. */
export async function unrest(platform: Platform, users: Users): Promise<string | undefined> {
  const { flinkClusters, flinkJobs } = platform.clients;
  const { flinkClusterStatuses } = await flinkClusters.listFlinkClusterStatuses({});
  const { flinkJobStatuses } = await flinkJobs.listFlinkJobStatuses({});
  const statuses = new Map(flinkClusterStatuses.map((one) => [resourceIdOf(one.name), one]));
  const { flinkClusters: clusters } = await flinkClusters.listFlinkClusters({});
  const versions = new Map(clusters.map(({ name, version }) => [resourceIdOf(name), version]));
  for (const id of users.names.clusters) {
    const found = versionUnrest(id, versions.get(id)!, statuses.get(id), users);
    if (found !== undefined) return found;
  }
  const unreadable = platform.machines.flatMap(({ processes }) =>
    [...processes.values()].filter(({ spec }) => isUnreadable(spec)),
  );
  if (unreadable.length > 0) return `${unreadable[0]!.id} cannot read its configuration`;
  const misplaced = placementUnrest(flinkClusterStatuses.flatMap(placementOf), platform, users);
  if (misplaced !== undefined) return misplaced;
  const byName = new Map(flinkJobStatuses.map((one) => [resourceIdOf(one.name), one]));
  for (const name of users.names.jobs) {
    const found = jobUnrest(name, byName.get(name), users, platform);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A version is known as good when it has come up, and given up when it cannot. */
function versionUnrest(
  id: string,
  version: bigint,
  status: flink.FlinkClusterStatus | undefined,
  users: Users,
): string | undefined {
  const { waitsFor, goodVersion, rejected } = status ?? { waitsFor: 'its first look' };
  if (waitsFor !== '') return `cluster ${id} waits for ${waitsFor}`;
  const isBad = users.isBad(id, version);
  if (isBad === (rejected?.version === version) && isBad !== (goodVersion === version)) return;
  return `version ${version} of ${id} is ${isBad ? 'bad' : 'good'}, good is ${goodVersion}, and given up is ${rejected?.version}`;
}

/** Processes of all clusters are where they were placed and nowhere else, share no port, and have left machines that are drained. */
function placementUnrest(
  placed: readonly PlacedProcess[],
  { machines }: Platform,
  { drained }: Users,
): string | undefined {
  const wanted = placed.map((one) => `${flinkProcessIdOf(one)} on ${one.host}`);
  const running = machines.flatMap(({ name, processes }) =>
    [...processes.keys()].map((id) => `${id} on ${name}`),
  );
  if (String(wanted.toSorted()) !== String(running.toSorted())) {
    return `wanted are ${wanted}, there are ${running}`;
  }
  const ports = placed.flatMap(({ host, ports: own }) => own.map((port) => `${host}:${port}`));
  const twice = ports.find((port, i) => ports.indexOf(port) !== i);
  if (twice !== undefined) return `${twice} was given to two processes`;
  const left = placed.find(({ host }) => drained.has(host));
  return left && `${flinkProcessIdOf(left)} is on ${left.host}, which is drained`;
}

function jobUnrest(
  name: string,
  status: flink.FlinkJobStatus | undefined,
  users: Users,
  platform: Platform,
): string | undefined {
  const wish = users.wishes.get(name);
  const { jobManagers } = platform;
  const alive = jobManagers.alive().filter(({ job }) => nameOf(job) === name);
  if (alive.length > 1) return `${name} runs ${alive.length} times`;
  const [run] = alive;
  if (wish === undefined) return status && `${name} was deleted`;
  if (status === undefined) return `${name} has no status`;
  const isProvedBad = status.stableSpec?.configuration['bad'] === 'yes';
  if (isProvedBad)
    return `${name} would go back to a program that has never completed a checkpoint`;
  if (wish.spec.suspended) return run && `${name} runs, and should not`;
  const reasons = status.conditions.map(({ reason }) => reason);
  if (reasons.includes('GIVEN_UP')) {
    if (wish.flaw === 'none') return `${name} is given up: ${status.lastFailure}`;
    return run && `${name} was given up, and runs`;
  }
  if (run === undefined) return `${name} does not run: waits for ${status.waitsFor} ${reasons}`;
  if (run.job !== `${name}#${wish.incarnation}`) return `an earlier ${name} runs`;
  if (status.waitsFor !== '') return `${name} waits for ${status.waitsFor}`;
  const unmade = savepointUnrest(status, wish, jobManagers.requestedSavepoints);
  if (unmade !== undefined) return `${name}: ${unmade}`;
  if (reasons.includes('ROLLED_BACK')) {
    return wish.flaw === 'none' ? `${name} is rolled back: ${status.lastFailure}` : undefined;
  }
  if (run.configuration['version'] !== String(wish.version)) return `${name} runs another version`;
  const small = sizeUnrest(name, run, users, platform);
  if (small !== undefined) return small;
  return run.state === 'RUNNING' ? undefined : `${name} is ${run.state}`;
}

/** A job that runs says what has become of each savepoint that was asked for. */
function savepointUnrest(
  { savepoints }: flink.FlinkJobStatus,
  { savepointRequest }: Wish,
  made: ReadonlySet<string>,
): string | undefined {
  const { FLINK_SAVEPOINT_STATE_COMPLETED, FLINK_SAVEPOINT_STATE_FAILED } =
    flink.FlinkSavepointState;
  for (const { request, state, path } of savepoints) {
    const isOver =
      state === FLINK_SAVEPOINT_STATE_FAILED ||
      (state === FLINK_SAVEPOINT_STATE_COMPLETED && made.has(path));
    if (!isOver) return `savepoint ${request} is neither there nor has failed`;
  }
  const isKnown = savepoints.some(({ request }) => request === savepointRequest);
  return savepointRequest === '' || isKnown
    ? undefined
    : `savepoint ${savepointRequest} is not made`;
}

/** One that is scaled has what its strategy wants, or what did better, or all slots of the cluster are in use, by none of lower priority that could give some back. */
function sizeUnrest(
  name: string,
  run: Attempt,
  { wishes, tempted }: Users,
  { wants, jobManagers }: Platform,
): string | undefined {
  const { spec } = wishes.get(name)!;
  const { upperBound: has } = run;
  if (spec.scaling === undefined) {
    return has === spec.parallelism ? undefined : `${name} has ${has}`;
  }
  const isTempted = tempted?.job === name;
  if (isTempted && !jobManagers.crowded.has(name)) return `${name} has not become wider yet`;
  const wanted = isTempted ? tempted.size : wants.subtasks.get(spec.scaling.strategy)!;
  const { priority } = spec.scaling;
  const sharing = jobManagers.sharing(run);
  const isYielding = sharing.some(({ job, upperBound }) => {
    const other = wishes.get(nameOf(job))?.spec.scaling;
    return other !== undefined && other.priority < priority && upperBound > 1;
  });
  if (has < wanted && isYielding) return `${name} has ${has} beside one of lower priority`;
  const all = sharing.reduce((sum, { upperBound }) => sum + upperBound, 0);
  if (all > mostTaskManagers * slotsEach) return `jobs have ${all} slots, which are not there`;
  if (has === wanted || (has < wanted && all === mostTaskManagers * slotsEach)) return undefined;
  return `${name} has ${has}, and its strategy wants ${wanted}`;
}
