import { type Clock, invariant, messageOf, resourceIdOf } from '@tessera/base';
import { type Connection, type ConnectOptions, connect, listAll } from '@tessera/client';
import { type Logger, withDeadline } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { actingClients } from '../leader/acting-clients.ts';
import type { Authority } from '../leader/authority.ts';
import { type DeploymentAction, decide, type ObservedHost } from './decide.ts';
import { type HostClient, observeHosts, readProcesses, type SeenHost } from './observe.ts';
import { specOf, wantedOf } from './wanted.ts';

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
 * later. It remembers nothing; what was begun is found on the hosts, which write it down before they do it.
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
    await options.clock.sleep(options.intervalMs, signal).catch(() => {});
  }
}

async function pass(
  options: DeploymentsOptions,
  connections: HostConnections,
  signal: AbortSignal,
): Promise<void> {
  // Read before the hosts: a process whose deployment is not among these has outlived it.
  const { resources } = await listAll(options.clients as SchedulerClients, 'deployments');
  const deployments = new Map(resources.map((one) => [resourceIdOf(one.name), one]));
  const hosts = await observeHosts(options.clients, connections.get);
  const owners = hosts.flatMap(({ processes }) => [...(processes?.keys() ?? [])]);
  for (const id of new Set([...deployments.keys(), ...owners])) {
    await carryOut({ ...options, id, deployment: deployments.get(id), hosts, signal });
  }
}

interface CarryOut extends DeploymentsOptions {
  readonly id: string;
  /** Absent: it was deleted. */
  readonly deployment: metadata.Deployment | undefined;
  readonly hosts: SeenHost[];
  readonly signal: AbortSignal;
}

async function carryOut(options: CarryOut): Promise<void> {
  const { id, deployment, hosts, signal, log } = options;
  const wanted = deployment === undefined ? { daemons: [], isPaused: false } : wantedOf(deployment);
  for (let i = 0; i < maxSteps && !signal.aborted; i++) {
    const action = decide(
      wanted,
      hosts.map((host) => ownedBy(id, host)),
    );
    if (action === undefined) return;
    const at = hosts.findIndex(({ name }) => name === action.host);
    const host = hosts[at]!;
    const { client } = host;
    invariant(client, 'a step is decided only for a host that was seen');
    const { kind } = action;
    const step = async (ended: AbortSignal) => {
      await act(action, client, options, ended);
      return readProcesses(client, ended);
    };
    try {
      const on = { what: `changing ${host.name}`, reason: 'HOST_SLOW', parent: signal };
      hosts[at] = { ...host, processes: await withDeadline(stepDeadlineMs, step, on) };
      log.info({ deployment: id, host: host.name, kind }, 'deployment.step');
    } catch (error) {
      log.warn(
        { deployment: id, host: host.name, kind, error: messageOf(error) },
        'deployment.step-failed',
      );
      // Not looked at again in this pass: other hosts go on.
      const { processes: _, ...unseen } = host;
      hosts[at] = unseen;
    }
  }
}

async function act(
  action: DeploymentAction,
  client: HostClient,
  { id, deployment }: CarryOut,
  signal: AbortSignal,
): Promise<void> {
  if (action.kind === 'start') {
    const { processId } = action.daemon;
    const daemon = deployment!.daemons.find(({ name }) => processId === `${id}.${name}`)!;
    await client.startProcess({ processId, spec: specOf(id, daemon) }, { signal });
    return;
  }
  const name = `processes/${action.processId}`;
  if (action.kind === 'stop') await client.stopProcess({ name }, { signal });
  else await client.deleteProcess({ name, allowMissing: true }, { signal });
}

function ownedBy(id: string, { processes, ...host }: SeenHost): ObservedHost {
  return processes === undefined ? host : { ...host, processes: processes.get(id) ?? [] };
}

/** One connection to each address, for as long as a term lasts. */
class HostConnections implements Disposable {
  readonly #authority: Authority;
  readonly #connections = new Map<string, Connection>();
  readonly #clients = new Map<string, HostClient>();
  readonly #options: ConnectOptions;

  constructor(authority: Authority, options: ConnectOptions = {}) {
    this.#authority = authority;
    this.#options = options;
  }

  readonly get = (address: string): HostClient => {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const connection = connect(address, this.#options);
    const { host } = actingClients(connection, this.#authority);
    this.#connections.set(address, connection);
    this.#clients.set(address, host);
    return host;
  };

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
  }
}
