import { Code, isTesseraError, messageOf, resourceIdOf, systemClock } from '@tessera/base';
import { type Connection, listAll, pages, type TesseraClient } from '@tessera/client';
import { type metadata, host as wire } from '@tessera/proto';
import { rolloutState } from '../deployment-view.ts';
import { exitText } from '../host-view.ts';
import type { ObservedDeployment, ObservedHost } from './find-degraded.ts';
import { aheadOfUs } from './observe-clocks.ts';
import type { StoreReport } from './observe-store.ts';

/** What hosts say of themselves, and what the scheduler says of deployments. */
export interface HostsReport {
  readonly hosts: readonly metadata.Host[];
  readonly deployments: readonly metadata.Deployment[];
  readonly statuses: readonly metadata.DeploymentStatus[];
  readonly observedHosts: readonly ObservedHost[];
  readonly observedDeployments: readonly ObservedDeployment[];
}

/** A connection to the daemon of a host. */
export type ConnectToHost = (host: metadata.Host) => Connection;

/** Of each host. */
const askMs = 2_000;
/** Hosts that are asked at the same time. */
const concurrency = 16;

export async function observeHosts(
  client: TesseraClient,
  connectTo: ConnectToHost,
  store: Promise<StoreReport | undefined>,
): Promise<HostsReport> {
  const [hosts, deployments, statuses] = await Promise.all([
    listAll(client, 'hosts'),
    listAll(client, 'deployments'),
    statusesOf(client),
  ]);
  const observedHosts: ObservedHost[] = [];
  for (let i = 0; i < hosts.resources.length; i += concurrency) {
    const some = hosts.resources.slice(i, i + concurrency);
    observedHosts.push(
      ...(await Promise.all(some.map((host) => observeHost(client, host, connectTo)))),
    );
  }
  const metadataAheadMs = (await store)?.aheadMs;
  return {
    hosts: hosts.resources,
    deployments: deployments.resources,
    statuses,
    observedHosts: observedHosts.map((host) => comparedTo(host, metadataAheadMs)),
    observedDeployments: statuses.map(deploymentOf),
  };
}

/** From our clock to that of metadata, which all others are compared with. */
function comparedTo(host: ObservedHost, metadataAheadMs: number | undefined): ObservedHost {
  const { clockAheadMs, ...rest } = host;
  if (clockAheadMs === undefined || metadataAheadMs === undefined) return rest;
  return { ...rest, clockAheadMs: Math.round(clockAheadMs - metadataAheadMs) };
}

function statusesOf({ deployments }: TesseraClient): Promise<metadata.DeploymentStatus[]> {
  return Array.fromAsync(
    pages(async (pageToken) => {
      const page = await deployments.listDeploymentStatuses({ pageSize: 1000, pageToken });
      return { items: page.deploymentStatuses, nextPageToken: page.nextPageToken };
    }),
  );
}

async function observeHost(
  { leases }: TesseraClient,
  host: metadata.Host,
  connectTo: ConnectToHost,
): Promise<ObservedHost> {
  const name = resourceIdOf(host.name);
  try {
    await leases.getLease({ name: host.lease });
  } catch (error) {
    if (!isTesseraError(error, 'LEASE_NOT_FOUND')) throw error;
    return { host: name, isAlive: false, crashing: [] };
  }
  try {
    using connection = connectTo(host);
    const signal = AbortSignal.timeout(askMs);
    const asked = connection.host.getHost({}, { signal });
    const [{ answer: now, aheadMs }, { processes }] = await Promise.all([
      aheadOfUs(asked, ({ currentTime }) => currentTime, systemClock),
      connection.host.listProcesses({ pageSize: 1000 }, { signal }),
    ]);
    const data = now.host?.inventory?.disks.find(({ holdsData }) => holdsData);
    const disk = data && { freeBytes: now.freeDiskBytes, sizeBytes: data.sizeBytes };
    const crashing = processes.filter(isCrashing).map(crashOf);
    const seen = { ...(disk && { disk }), ...(aheadMs !== undefined && { clockAheadMs: aheadMs }) };
    return { host: name, isAlive: true, crashing, ...seen };
  } catch (error) {
    // A host that does not let the asker look is well, as far as he can know.
    if (isRefusal(error)) return { host: name, isAlive: true, crashing: [] };
    return { host: name, isAlive: true, crashing: [], failure: messageOf(error) };
  }
}

function isRefusal(error: unknown): boolean {
  const refusals: Code[] = [Code.UNAUTHENTICATED, Code.PERMISSION_DENIED];
  return isTesseraError(error) && refusals.includes(error.code);
}

function isCrashing({ state }: wire.Process): boolean {
  return state === wire.ProcessState.PROCESS_STATE_BACKOFF;
}

function crashOf({ name, restartCount, lastExit }: wire.Process): string {
  return `${resourceIdOf(name)} (${exitText(lastExit)}, restarted ${restartCount} times)`;
}

function deploymentOf(status: metadata.DeploymentStatus): ObservedDeployment {
  const open = status.drifts.filter(({ mendedTime }) => mendedTime === undefined);
  return {
    deployment: resourceIdOf(status.name),
    isHalted: rolloutState(status) === 'HALTED',
    isWaiting: rolloutState(status) === 'CHANGING' && status.message !== '',
    message: status.message,
    drifts: open.map(
      ({ reason, process, host }) => `${reason} ${resourceIdOf(process)} on ${resourceIdOf(host)}`,
    ),
  };
}
