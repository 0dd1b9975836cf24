import { isTesseraError } from '@tessera/base';
import { listAll, pages, type TesseraClient } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import { type metadata, host as wire } from '@tessera/proto';
import type { ObservedHost, ObservedProcess } from './decide.ts';
import { fingerprintVariable, ownerVariable } from './wanted.ts';

export type HostClient = TesseraClient['host'];

/** A host with those of its processes that belong to deployments, by deployment; or without, when it is not seen. */
export interface SeenHost extends Omit<ObservedHost, 'processes'> {
  readonly client?: HostClient;
  readonly processes?: ReadonlyMap<string, readonly ObservedProcess[]>;
}

const callDeadlineMs = 2_000;
/** Hosts that are asked at the same time. */
const concurrency = 16;

/** Asks all hosts that are alive. One that does not answer in time is not seen. */
export async function observeHosts(
  client: Pick<TesseraClient, 'hosts' | 'leases'>,
  connect: (address: string) => HostClient,
): Promise<SeenHost[]> {
  const { resources } = await listAll(client as TesseraClient, 'hosts');
  const seen: SeenHost[] = [];
  for (let i = 0; i < resources.length; i += concurrency) {
    const some = resources.slice(i, i + concurrency);
    seen.push(...(await Promise.all(some.map((host) => observeHost(client, host, connect)))));
  }
  return seen;
}

async function observeHost(
  { leases }: Pick<TesseraClient, 'leases'>,
  host: metadata.Host,
  connect: (address: string) => HostClient,
): Promise<SeenHost> {
  const { name, labels, rack } = host;
  try {
    return await withDeadline(
      callDeadlineMs,
      async (signal) => {
        await leases.getLease({ name: host.lease }, { signal });
        const client = connect(host.address);
        return { name, labels, rack, client, processes: await readProcesses(client, signal) };
      },
      { what: `asking ${name}`, reason: 'HOST_SLOW' },
    );
  } catch (error) {
    if (isTesseraError(error)) return { name, labels, rack };
    throw error;
  }
}

/** By deployment. */
export async function readProcesses(
  client: HostClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly ObservedProcess[]>> {
  const found = pages(async (pageToken) => {
    const page = await client.listProcesses({ pageSize: 1000, pageToken }, { signal });
    return { items: page.processes, nextPageToken: page.nextPageToken };
  });
  const byOwner = new Map<string, ObservedProcess[]>();
  for await (const { name, state, spec } of found) {
    const owner = spec?.environment[ownerVariable];
    if (owner === undefined) continue;
    const fingerprint = spec?.environment[fingerprintVariable] ?? '';
    const id = name.slice(name.lastIndexOf('/') + 1);
    const own = byOwner.get(owner) ?? [];
    byOwner.set(owner, [...own, { id, state: stateOf(state), fingerprint }]);
  }
  return byOwner;
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
