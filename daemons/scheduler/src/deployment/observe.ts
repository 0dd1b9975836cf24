import { isTesseraError } from '@tessera/base';
import { listAll, pages, type TesseraClient } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import { type metadata, host as wire } from '@tessera/proto';
import type { ObservedProcess } from './decide.ts';
import { fingerprintOf, variables } from './process-spec.ts';
import type { HostFacts } from './wanted.ts';

export type HostClient = TesseraClient['host'];

/** How the leader reaches what it looks at. */
export interface HostAccess {
  /** The host daemon at an address. */
  host(address: string): HostClient;
  /** Whether a daemon says that it serves. */
  isServing(address: string, signal: AbortSignal): Promise<boolean>;
}

/** A host with its processes by name; or without, when it is not seen. */
export interface SeenHost extends HostFacts {
  readonly client?: HostClient;
  readonly processes?: ReadonlyMap<string, SeenProcess>;
  /** What it has, by `artifacts/{sha256}`. */
  readonly artifacts?: ReadonlyMap<string, wire.Artifact>;
}

export interface SeenProcess {
  readonly id: string;
  readonly state: ObservedProcess['state'];
  readonly isServing: boolean;
  readonly spec: wire.ProcessSpec | undefined;
  /** Of `spec`, whatever its environment says. */
  readonly fingerprint: string;
  /** Paths of files beside it that somebody has changed. */
  readonly changedFiles: readonly string[];
  /** How its last run ended, for people; empty: it did not. */
  readonly lastExit: string;
}

const callDeadlineMs = 2_000;
/** Hosts that are asked at the same time. */
const concurrency = 16;

/** Asks all hosts that are alive. One that does not answer in time is not seen. */
export async function observeHosts(
  client: Pick<TesseraClient, 'hosts' | 'leases'>,
  access: HostAccess,
): Promise<SeenHost[]> {
  const { resources } = await listAll(client as TesseraClient, 'hosts');
  const seen: SeenHost[] = [];
  for (let i = 0; i < resources.length; i += concurrency) {
    const some = resources.slice(i, i + concurrency);
    seen.push(...(await Promise.all(some.map((host) => observeHost(client, host, access)))));
  }
  return seen;
}

async function observeHost(
  { leases }: Pick<TesseraClient, 'leases'>,
  host: metadata.Host,
  access: HostAccess,
): Promise<SeenHost> {
  const { name, labels, rack, address, inventory } = host;
  const facts = { name, labels, rack, address, firstPort: inventory?.ports?.first ?? 0 };
  const asked = async (signal: AbortSignal) => {
    await leases.getLease({ name: host.lease }, { signal });
    const client = access.host(address);
    const [processes, artifacts] = await Promise.all([
      readProcesses(client, access, signal),
      readArtifacts(client, signal),
    ]);
    return { ...facts, client, processes, artifacts };
  };
  try {
    const slow = { what: `asking ${name}`, reason: 'HOST_SLOW' };
    return await withDeadline(callDeadlineMs, asked, slow);
  } catch (error) {
    if (isTesseraError(error)) return facts;
    throw error;
  }
}

/** By name. Those that say where they are asked for their health are asked. */
export async function readProcesses(
  client: HostClient,
  access: HostAccess,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SeenProcess>> {
  const found = pages(async (pageToken) => {
    const page = await client.listProcesses({ pageSize: 1000, pageToken }, { signal });
    return { items: page.processes, nextPageToken: page.nextPageToken };
  });
  const processes = await Array.fromAsync(found);
  const seen = await Promise.all(processes.map((process) => seenOf(process, access, signal)));
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
  { name, state, spec, lastExit, changedFiles }: wire.Process,
  access: HostAccess,
  signal: AbortSignal,
): Promise<SeenProcess> {
  const health = spec?.environment[variables.health];
  const isAsked = health !== undefined && stateOf(state) === 'RUNNING';
  return {
    id: name.slice(name.lastIndexOf('/') + 1),
    state: stateOf(state),
    isServing: !isAsked || (await access.isServing(health, signal)),
    spec,
    fingerprint: fingerprintOf(spec),
    changedFiles,
    lastExit: exitText(lastExit),
  };
}

/**
 * Those of a host that are a deployment's: what says so of itself, and what has the name of a daemon that is wanted.
 * @param version that is wanted
 */
export function observedOf(
  { name, processes }: SeenHost,
  { id, wanted, version }: { id: string; wanted: ReadonlySet<string>; version: bigint },
) {
  if (processes === undefined) return { name };
  const own = [...processes.values()].filter((process) => {
    return ownerOf(process) === id || wanted.has(process.id);
  });
  const observed = own.map((process): ObservedProcess => {
    const { state, fingerprint, isServing } = process;
    const hasChangedFiles = process.changedFiles.length > 0;
    const isOfThisVersion = process.spec?.environment[variables.version] === `${version}`;
    const facts = { state, fingerprint, isServing, isOfThisVersion, hasChangedFiles };
    return { id: process.id, ...facts };
  });
  return { name, processes: observed };
}

/** The deployment that a process says it belongs to. */
export function ownerOf({ spec }: SeenProcess): string | undefined {
  return spec?.environment[variables.owner];
}

function stateOf(state: wire.ProcessState): ObservedProcess['state'] {
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
