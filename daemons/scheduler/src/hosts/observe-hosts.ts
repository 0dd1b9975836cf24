import { type Clock, isTesseraError } from '@tessera/base';
import { durationFromProto, listAll, pages, type TesseraClient } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import { type metadata, host as wire } from '@tessera/proto';
import { fingerprintOf, variables } from './process-spec.ts';

export type HostClient = TesseraClient['host'];

/** How the leader reaches what it looks at. */
export interface HostAccess {
  /** The host daemon at an address. */
  host(address: string): HostClient;
  /** Whether a daemon says that it serves. */
  isServing(address: string, signal: AbortSignal): Promise<boolean>;
}

/** What of a host says which processes are wanted there, and how they are run. */
export interface HostFacts {
  /** `hosts/{host}`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rack: string;
  /** Of its daemon, `host:port`. */
  readonly address: string;
  /** The first port that its processes may be given. */
  readonly firstPort: number;
}

/** A host with its processes by name; or without, when it is not seen. */
export interface SeenHost extends HostFacts {
  readonly client?: HostClient;
  readonly processes?: ReadonlyMap<string, SeenProcess>;
  /** Nobody held its lease when it was looked at: no heartbeat that was sent later was confirmed in this session. */
  readonly isLeaseFree?: boolean;
  /** Another one after each time that its daemon has lost its lease, or may have. */
  readonly session?: string;
  /** What was started to end when it is cut off ends so long after its last confirmed heartbeat. Absent: not promised. */
  readonly cutOffAfterMs?: number;
  /** The operator wants it to be empty. */
  readonly isDraining?: boolean;
  /** What the machine has. */
  readonly inventory?: metadata.HostInventory;
  /** What was put on it, by `artifacts/{sha256}`. */
  readonly artifacts?: ReadonlyMap<string, wire.Artifact>;
}

export type SeenState = 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'STOPPED' | 'EXITED';

export interface SeenProcess {
  readonly id: string;
  readonly state: SeenState;
  /** Another one after each start, whoever started it. */
  readonly run: string;
  readonly isServing: boolean;
  /** Who listens where it is asked for its health, and is not it, for people. Absent: nobody. */
  readonly heldBy?: string;
  readonly spec: wire.ProcessSpec | undefined;
  /** Of `spec`, whatever its environment says. */
  readonly fingerprint: string;
  /** Paths of files beside it that somebody has changed. */
  readonly changedFiles: readonly string[];
  /** How its last run ended, for people; empty: it did not. */
  readonly lastExit: string;
  /** That was its own doing, or it could not be started at all: nobody told it to end, and its host went on. */
  readonly hasEndedItself: boolean;
}

const callDeadlineMs = 2_000;
/** Hosts that are asked at the same time. */
const concurrency = 16;

/** Asks all hosts that are alive. One that does not answer in time is not seen. */
export async function observeHosts(
  client: Pick<TesseraClient, 'hosts' | 'leases'>,
  access: HostAccess,
  clock: Clock,
): Promise<SeenHost[]> {
  const { resources } = await listAll(client as TesseraClient, 'hosts');
  const seen: SeenHost[] = [];
  for (let i = 0; i < resources.length; i += concurrency) {
    const some = resources.slice(i, i + concurrency);
    const asked = some.map((host) => observeHost(client, host, { access, clock }));
    seen.push(...(await Promise.all(asked)));
  }
  return seen;
}

async function observeHost(
  { leases }: Pick<TesseraClient, 'leases'>,
  host: metadata.Host,
  { access, clock }: { readonly access: HostAccess; readonly clock: Clock },
): Promise<SeenHost> {
  const { name, labels, rack, address, inventory, session, draining: isDraining } = host;
  const cutOffAfterMs = durationFromProto(host.cutOffAfter);
  const facts = { name, labels, rack, address, firstPort: inventory?.ports?.first ?? 0 };
  const known = {
    ...{ ...facts, session, isDraining },
    ...(inventory !== undefined && { inventory }),
    ...(cutOffAfterMs !== undefined && { cutOffAfterMs }),
  };
  const asked = async (signal: AbortSignal) => {
    await leases.getLease({ name: host.lease }, { signal });
    const client = access.host(address);
    const [processes, artifacts] = await Promise.all([
      readProcesses(client, access, signal),
      readArtifacts(client, signal),
    ]);
    return { ...known, client, processes, artifacts };
  };
  try {
    const slow = { what: `asking ${name}`, reason: 'HOST_SLOW', clock };
    return await withDeadline(callDeadlineMs, asked, slow);
  } catch (error) {
    if (isTesseraError(error, 'LEASE_NOT_FOUND')) return { ...known, isLeaseFree: true };
    if (isTesseraError(error)) return known;
    throw error;
  }
}

/** By name. Those that say where they are asked for their health are asked. */
export async function readProcesses(
  client: HostClient,
  access: HostAccess,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SeenProcess>> {
  const held: wire.HeldPort[] = [];
  const found = pages(async (pageToken) => {
    const page = await client.listProcesses({ pageSize: 1000, pageToken }, { signal });
    held.push(...page.heldPorts);
    return { items: page.processes, nextPageToken: page.nextPageToken };
  });
  const processes = await Array.fromAsync(found);
  const isServing = (health: string) => access.isServing(health, signal);
  const seen = await Promise.all(processes.map((process) => seenOf(process, held, isServing)));
  return new Map(seen.map((process) => [process.id, process]));
}

async function readArtifacts(
  client: HostClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, wire.Artifact>> {
  const found = pages(async (pageToken) => {
    const page = await client.listArtifacts({ pageSize: 1000, pageToken }, { signal });
    return { items: page.artifacts, nextPageToken: page.nextPageToken };
  });
  const artifacts = await Array.fromAsync(found);
  return new Map(artifacts.map((artifact) => [artifact.name, artifact]));
}

async function seenOf(
  process: wire.Process,
  held: readonly wire.HeldPort[],
  askWhetherServing: (address: string) => Promise<boolean>,
): Promise<SeenProcess> {
  const { name, state, spec, lastExit, changedFiles } = process;
  const health = spec?.environment[variables.health];
  const isAsked = health !== undefined && stateOf(state) === 'RUNNING';
  const holder = health === undefined ? undefined : holderOf(health, held);
  return {
    id: name.slice(name.lastIndexOf('/') + 1),
    state: stateOf(state),
    run: runOf(process),
    // What somebody else answers there says nothing of this one.
    isServing: !isAsked || (holder === undefined && (await askWhetherServing(health))),
    ...(holder && {
      heldBy: `port ${holder.port} is held by pid ${holder.pid}, of ${holder.holder}`,
    }),
    spec,
    fingerprint: fingerprintOf(spec),
    changedFiles,
    lastExit: exitText(lastExit),
    hasEndedItself: isOwnEnd(lastExit),
  };
}

/** Who listens at an address in place of what was given it. */
function holderOf(address: string, held: readonly wire.HeldPort[]): wire.HeldPort | undefined {
  const at = address.lastIndexOf(':');
  const [ip, port] = [address.slice(0, at), Number(address.slice(at + 1))];
  return held.find((one) => one.port === port && (one.ip === ip || one.ip === '*'));
}

function runOf({ uid, run, pidStartTicks }: wire.Process): string {
  return `${uid}/${run}/${pidStartTicks}`;
}

function stateOf(state: wire.ProcessState): SeenState {
  switch (state) {
    case wire.ProcessState.PROCESS_STATE_RUNNING:
      return 'RUNNING';
    case wire.ProcessState.PROCESS_STATE_BACKOFF:
      return 'BACKOFF';
    case wire.ProcessState.PROCESS_STATE_STOPPING:
      return 'STOPPING';
    case wire.ProcessState.PROCESS_STATE_STOPPED:
      return 'STOPPED';
    case wire.ProcessState.PROCESS_STATE_EXITED:
      return 'EXITED';
    default:
      return 'STARTING'; // Also what a newer host may call its state: nothing is done to it.
  }
}

/** What programs return that were told to end by SIGHUP, SIGINT or SIGTERM and did so. */
const obedientCodes: ReadonlySet<number> = new Set([129, 130, 143]);

function isOwnEnd(exit: wire.ProcessExit | undefined): boolean {
  switch (exit?.cause?.$case) {
    case 'code':
      return !obedientCodes.has(exit.cause.value);
    case 'notStarted':
      return true;
    default:
      return false;
  }
}

function exitText(exit: wire.ProcessExit | undefined): string {
  switch (exit?.cause?.$case) {
    case undefined:
      return '';
    case 'code':
      return `exit code ${exit.cause.value}`;
    case 'signal':
      return exit.cause.value;
    case 'notStarted':
      return `not started: ${exit.cause.value}`;
    case 'unknown':
      return 'an end that nobody saw';
  }
}
