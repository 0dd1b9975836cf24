import { existsSync, globSync } from 'node:fs';
import type { Clock } from '@tessera/base';
import { findDegraded, observePlatform } from '@tessera/cli';
import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import {
  type ClusterClients,
  hostsOf,
  replication,
  type TestCluster,
} from '@tessera/testkit/cluster';
import type { BuildLoad } from './build-load.ts';
import { untilWell } from './until-well.ts';

export interface ClusterAtRest {
  readonly cluster: TestCluster;
  readonly clients: ClusterClients;
  readonly builds: BuildLoad;
  /** Whose cubes are looked at. */
  readonly project: string;
  readonly clock: Clock;
}

/** That of the scheduler that leads, and of each storage daemon that is registered. */
const leasesOfDaemons = 1 + hostsOf.storage.length;

/**
 * What is not as it should be of a cluster that nobody does anything to any more: each thing is waited for until the
 * deadline.
 */
export async function problemsAtRest(
  at: ClusterAtRest,
  deadline: AbortSignal,
): Promise<readonly string[]> {
  const checks = [unreplicated, files, degraded, leases, processes, operations, inconsistent];
  const found: string[] = [];
  for (const check of checks) {
    const { clock } = at;
    found.push(...(await untilWell(() => check(at, deadline), { deadline, clock })));
  }
  return found;
}

/** Segments that answer, and are recorded on too few hosts. */
async function unreplicated({ clients, project }: ClusterAtRest): Promise<readonly string[]> {
  const { segments } = await storedItems(clients, project);
  return segments
    .filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY)
    .filter(({ replicas }) => new Set(replicas).size < replication)
    .map(({ name, replicas }) => `${name} is on ${replicas.join() || 'no host'}`);
}

/**
 * On the disks: files that a resource says to be there and that are not, and those that no resource names. What a retired segment
 * has lost is not missed: nobody reads it any more, and it goes when its time is over, by the clock of whoever retired it.
 */
async function files(at: ClusterAtRest, deadline: AbortSignal): Promise<readonly string[]> {
  const { cluster, clients, project } = at;
  await at.builds.collectGarbage(0, deadline);
  const { segments, others } = await storedItems(clients, project);
  const { SEGMENT_STATE_RETIRED: retired } = metadata.SegmentState;
  const ofSegments = segments.flatMap(({ layouts, replicas, state }) =>
    layouts
      .filter(({ file, quarantined }) => file !== '' && !quarantined)
      .map(({ file }) => ({ file, replicas, state })),
  );
  const named = new Set([...ofSegments, ...others].map(({ file }) => file));
  const wanted = [...ofSegments.filter(({ state }) => state !== retired), ...others];
  return hostsOf.storage.flatMap((host) => {
    const { folder } = cluster.disk('storage', host);
    const missing = wanted
      .filter(({ replicas }) => replicas.includes(`storage-${host}`))
      .filter(({ file }) => !existsSync(`${folder}/${file}`))
      .map(({ file }) => `${file} is not on host ${host}`);
    const stored = globSync('{cuboids,snapshots,dictionaries}/**/*.*', { cwd: folder });
    const leftOver = [
      ...stored.filter((file) => !named.has(file)),
      ...globSync('{staging,incoming}/*', { cwd: folder }),
    ];
    return [...missing, ...leftOver.map((file) => `${file} is left over on host ${host}`)];
  });
}

/** What `tessera status` tells of. */
async function degraded({ clients, project }: ClusterAtRest): Promise<readonly string[]> {
  const { observed } = await observePlatform(clients.whole(0), `projects/${project}`, () => {
    throw new Error('No host runs a host daemon here.');
  });
  return findDegraded(observed).map(
    ({ reason, subject, message }) => `${reason} ${subject}: ${message}`,
  );
}

async function leases({ cluster }: ClusterAtRest): Promise<readonly string[]> {
  const count = await cluster.leaseCount();
  return count === leasesOfDaemons ? [] : [`there are ${count} leases and not ${leasesOfDaemons}`];
}

async function processes({ cluster }: ClusterAtRest): Promise<readonly string[]> {
  const away = cluster.daemons.filter(({ isRunning }) => !isRunning).map(({ name }) => name);
  return [
    ...away.map((name) => `${name} does not run`),
    ...cluster.strayProcesses().map((pid) => `process ${pid} is nobody's`),
  ];
}

async function operations({ builds }: ClusterAtRest): Promise<readonly string[]> {
  const unfinished = await Promise.all(hostsOf.scheduler.map((_, n) => builds.unfinished(n)));
  return unfinished.flat();
}

async function inconsistent({ clients }: ClusterAtRest): Promise<readonly string[]> {
  const { problems } = await clients.nth('metadata', 0).maintenance.checkStore({});
  return problems.map(({ reason, name, detail }) => `${reason} ${name}: ${detail}`);
}

/** Whatever names files of storage daemons: segments, and snapshots and dictionaries of one file each. */
async function storedItems(clients: ClusterClients, project: string) {
  const parent = `projects/${project}`;
  const client = clients.whole(0);
  const [segments, snapshots, dictionaries] = await Promise.all([
    listAll(client, 'segments', { parent: `${parent}/cubes/-` }),
    listAll(client, 'snapshots', { parent }),
    listAll(client, 'dictionaries', { parent }),
  ]);
  const others = [...snapshots.resources, ...dictionaries.resources];
  return { segments: segments.resources, others };
}
