import { resourceIdOf } from '@tessera/base';
import { type Connection, connect, listAll, pages, type TesseraClient } from '@tessera/client';
import type { host as wire } from '@tessera/proto';
import type { CommandContext } from '../context.ts';
import { connectTo, isAlive } from '../host-connection.ts';
import { transportOptionsOf } from '../transport-options.ts';
import { readUses } from './artifact-uses.ts';

/** Which hosts have which artifacts, and who needs them. */

/** A host that is alive. */
export interface ArtifactHost {
  readonly id: string;
  /** Where others reach it. */
  readonly address: string;
  readonly client: TesseraClient['host'];
  readonly artifacts: readonly wire.Artifact[];
  readonly processes: readonly wire.Process[];
}

export interface KnownArtifact {
  /** SHA-256. */
  readonly digest: string;
  readonly displayName: string;
  readonly sizeBytes: bigint;
  /** Ids of those that have it, of hosts that are alive. */
  readonly hosts: readonly string[];
  /** What the newest versions of deployments, clusters and jobs of Flink need it for, and processes; for people. */
  readonly usedBy: readonly string[];
  /** Older versions of these, to which one might go back. */
  readonly olderVersions: readonly string[];
}

/**
 * All hosts that are alive, by name, with connections that end with the stack.
 * @param at instead: the host daemons at these addresses, which are trusted with the token because the user names them
 */
export async function artifactHosts(
  context: CommandContext,
  stack: DisposableStack,
  at: readonly string[] = [],
): Promise<ArtifactHost[]> {
  if (at.length > 0) {
    return Promise.all(
      at.map((address) => {
        const { token } = context.options;
        const transport = transportOptionsOf(context.options);
        const trusted = connect(address, { transport, ...(token === undefined ? {} : { token }) });
        return observeHost(address, address, stack.use(trusted).host);
      }),
    );
  }
  const { resources } = await listAll(context.client, 'hosts');
  const found: ArtifactHost[] = [];
  for (const host of resources) {
    if (!(await isAlive(context, host))) continue;
    const client = stack.use(connectTo(context, host)).host;
    found.push(await observeHost(resourceIdOf(host.name), host.address, client));
  }
  return found;
}

async function observeHost(
  id: string,
  address: string,
  client: TesseraClient['host'],
): Promise<ArtifactHost> {
  const [artifacts, processes] = await Promise.all([artifactsOf(client), processesOf(client)]);
  return { id, address, client, artifacts, processes };
}

/** By digest. */
export async function knownArtifacts(
  client: Connection,
  hosts: readonly ArtifactHost[],
): Promise<KnownArtifact[]> {
  const [newest, older] = await readUses(client);
  const all = hosts.flatMap(({ artifacts }) => artifacts);
  const byName = new Map(all.map((artifact) => [artifact.name, artifact]));
  return [...byName.values()]
    .map(({ name, displayName, sizeBytes }): KnownArtifact => {
      const usedBy = [...(newest.get(name) ?? []), ...usersOf(name, hosts)];
      return {
        ...{ digest: resourceIdOf(name), displayName, sizeBytes },
        hosts: hosts.filter(({ artifacts }) => has(artifacts, name)).map(({ id }) => id),
        usedBy: [...new Set(usedBy)].sort(),
        olderVersions: [...(older.get(name) ?? [])],
      };
    })
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

function has(artifacts: readonly wire.Artifact[], name: string): boolean {
  return artifacts.some((one) => one.name === name);
}

/** Processes that name it; those of deployments are the deployments' matter, unless they run as an older version says. */
function usersOf(name: string, hosts: readonly ArtifactHost[]): string[] {
  return hosts.flatMap(({ id, processes }) =>
    processes
      .filter(({ spec }) => spec?.artifacts.some(({ artifact }) => artifact === name))
      .map((process) => `${resourceIdOf(process.name)} on ${id}`),
  );
}

function artifactsOf(client: TesseraClient['host']): Promise<wire.Artifact[]> {
  return Array.fromAsync(
    pages(async (pageToken) => {
      const page = await client.listArtifacts({ pageSize: 1000, pageToken });
      return { items: page.artifacts, nextPageToken: page.nextPageToken };
    }),
  );
}

function processesOf(client: TesseraClient['host']): Promise<wire.Process[]> {
  return Array.fromAsync(
    pages(async (pageToken) => {
      const page = await client.listProcesses({ pageSize: 1000, pageToken });
      return { items: page.processes, nextPageToken: page.nextPageToken };
    }),
  );
}
