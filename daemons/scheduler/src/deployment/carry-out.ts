import { type Clock, invariant, messageOf, resourceIdOf } from '@tessera/base';
import { type ConnectOptions, listAll, pages, timestampToProto } from '@tessera/client';
import { type Logger, withDeadline } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { fetchMissing } from '../hosts/fetch-artifacts.ts';
import { HostConnections } from '../hosts/host-connections.ts';
import {
  type HostAccess,
  type HostClient,
  observeHosts,
  readProcesses,
  type SeenHost,
} from '../hosts/observe-hosts.ts';
import type { Authority } from '../leader/authority.ts';
import { type DeploymentAction, decide } from './decide.ts';
import { driftsOf } from './drift.ts';
import { observedOf, ownerOf } from './observe.ts';
import { isSameStatus, statusOf } from './status.ts';
import { needsOf, type Placement, placementsOf, wantedOf } from './wanted.ts';

export interface DeploymentsOptions {
  readonly clients: Pick<SchedulerClients, 'hosts' | 'leases' | 'deployments'>;
  /** What hosts are told is told by it. */
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between looks at all hosts; 0: never. */
  readonly intervalMs: number;
  /** How host daemons are connected to. */
  readonly hostConnections?: ConnectOptions;
}

/** One step on one host. */
const stepDeadlineMs = 5_000;
/** Steps of one deployment in one pass; what is left waits for the next one. */
const maxSteps = 10_000;

/**
 * Carries deployments out until the signal: looks at all hosts, takes steps until there is nothing to do, and looks again
 * later. What was begun is found on the hosts, which write it down before they do it; what was found is in the status.
 */
export async function runDeployments(
  options: DeploymentsOptions,
  signal: AbortSignal,
): Promise<void> {
  if (options.intervalMs === 0) return;
  using connections = new HostConnections(options.authority, options.hostConnections);
  while (!signal.aborted) {
    await pass(options, connections, signal).catch((error) => {
      if (!signal.aborted) options.log.warn({ error: messageOf(error) }, 'deployments.pass-failed');
    });
    connections.closeUnused();
    await options.clock.sleep(options.intervalMs, signal).catch(() => {});
  }
}

async function pass(
  options: DeploymentsOptions,
  access: HostAccess,
  signal: AbortSignal,
): Promise<void> {
  // Read before the hosts: a process whose deployment is not among these has outlived it.
  const { resources } = await listAll(options.clients as SchedulerClients, 'deployments');
  const statuses = await readStatuses(options.clients);
  const hosts = await observeHosts(options.clients, access, options.clock);
  for (const deployment of resources) {
    const before = statuses.get(resourceIdOf(deployment.name));
    await carryOut({ ...options, access, deployment, before, hosts, signal });
  }
  const known = new Set(resources.map(({ name }) => resourceIdOf(name)));
  const owners = hosts.flatMap(({ processes }) => [...(processes?.values() ?? [])].map(ownerOf));
  for (const id of new Set(owners)) {
    if (id === undefined || known.has(id)) continue;
    const nothing = { name: `deployments/${id}`, daemons: [], paused: false, version: 0n };
    await takeSteps({ ...options, access, deployment: nothing, placements: [], hosts, signal });
  }
}

async function readStatuses({ deployments }: DeploymentsOptions['clients']) {
  const found = pages(async (pageToken) => {
    const page = await deployments.listDeploymentStatuses({ pageSize: 1000, pageToken });
    return { items: page.deploymentStatuses, nextPageToken: page.nextPageToken };
  });
  const statuses = await Array.fromAsync(found);
  return new Map(statuses.map((status) => [resourceIdOf(status.name), status]));
}

interface Looked extends DeploymentsOptions {
  readonly access: HostAccess;
  /** What was seen last of each; steps bring it up to date. */
  readonly hosts: SeenHost[];
  readonly signal: AbortSignal;
}

interface CarryOut extends Looked {
  readonly deployment: metadata.Deployment;
  readonly before: metadata.DeploymentStatus | undefined;
}

/** Takes the steps of one deployment, and writes down how far it is. */
async function carryOut(options: CarryOut): Promise<void> {
  const { deployment, before, hosts, clients, clock } = options;
  const placements = placementsOf(deployment, hosts);
  const drifts = driftsOf({ placements, hosts, before, now: timestampToProto(clock.now()) });
  const write = async (failures: readonly string[]) => {
    const observed = hosts.map((host) => observedOf(host, ownedOf(deployment, placements)));
    const wanted = wantedOf(placements, deployment, hosts);
    const view = { deployment, placements, wanted, hosts, observed, drifts, failures };
    const deploymentStatus = statusOf(view);
    if (isSameStatus(before, deploymentStatus)) return;
    await clients.deployments.updateDeploymentStatus({ deploymentStatus });
  };
  // Before it is mended: nobody could find it afterwards.
  if (drifts.some((drift) => !before?.drifts.includes(drift))) await write([]);
  const fetching = deployment.paused ? [] : await fetchMissing(needsOf(placements), hosts, options);
  await write([...(await takeSteps({ ...options, placements })), ...fetching]);
}

interface Steps extends Looked {
  readonly deployment: Pick<metadata.Deployment, 'name' | 'daemons' | 'paused' | 'version'>;
  readonly placements: readonly Placement[];
}

/** Until nothing is left to do. Gives what failed, for people. */
async function takeSteps(options: Steps): Promise<readonly string[]> {
  const { deployment, placements, hosts, signal, log } = options;
  const wanted = wantedOf(placements, deployment, hosts);
  const owned = ownedOf(deployment, placements);
  const failures: string[] = [];
  /** Hosts on which a step failed: no more is done there in this pass, and others go on. */
  const left = new Set<string>();
  /** Processes whose files were put right: whoever changes them at once again is left until the next pass. */
  const restored = new Set<string>();
  for (let i = 0; i < maxSteps && !signal.aborted; i++) {
    const action = decide(
      wanted,
      hosts.map((host) => (left.has(host.name) ? { name: host.name } : observedOf(host, owned))),
    );
    if (action === undefined) break;
    const at = hosts.findIndex(({ name }) => name === action.host);
    const host = hosts[at]!;
    const step = { deployment: owned.id, ...action };
    if (action.kind === 'restore' && restored.has(`${host.name} ${action.processId}`)) {
      failures.push(`Files of ${action.processId} on ${host.name} are changed again and again.`);
      left.add(host.name);
      continue;
    }
    try {
      if (action.kind === 'restore') restored.add(`${host.name} ${action.processId}`);
      hosts[at] = await takeStep(action, host, options);
      log.info(step, 'deployment.step');
    } catch (error) {
      log.warn({ ...step, error: messageOf(error) }, 'deployment.step-failed');
      failures.push(`${action.kind} of ${action.processId} on ${host.name}: ${messageOf(error)}`);
      left.add(host.name);
    }
  }
  return failures;
}

/** Gives the host as it is afterwards. */
async function takeStep(
  action: DeploymentAction,
  host: SeenHost,
  { placements, access, signal: parent }: Steps,
): Promise<SeenHost> {
  const { client } = host;
  invariant(client, 'a step is decided only for a host that was seen');
  const work = async (signal: AbortSignal) => {
    await act(action, client, placements, signal);
    return { ...host, processes: await readProcesses(client, access, signal) };
  };
  const slow = { what: `changing ${host.name}`, reason: 'HOST_SLOW', parent };
  return withDeadline(stepDeadlineMs, work, slow);
}

async function act(
  { kind, host, processId }: DeploymentAction,
  client: HostClient,
  placements: readonly Placement[],
  signal: AbortSignal,
): Promise<void> {
  const name = `processes/${processId}`;
  if (kind === 'stop') await client.stopProcess({ name }, { signal });
  else if (kind === 'restore') await client.restoreFiles({ name }, { signal });
  else if (kind === 'delete') await client.deleteProcess({ name, allowMissing: true }, { signal });
  else {
    const spec = placements.find((one) => one.processId === processId)!.on.get(host)!;
    await client.startProcess({ processId, spec }, { signal });
  }
}

/** How the processes of a deployment are told from others. */
function ownedOf(
  { name, version }: Pick<metadata.Deployment, 'name' | 'version'>,
  placements: readonly Placement[],
) {
  const wanted = new Set(placements.map(({ processId }) => processId));
  return { id: resourceIdOf(name), wanted, version };
}
