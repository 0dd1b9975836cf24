import { resourceIdOf } from '@tessera/base';
import { listAll, type Page, pages, type TesseraClient } from '@tessera/client';
import type { flink } from '@tessera/proto';

type Uses = Map<string, Set<string>>;
type Need = { readonly artifact: string; readonly user: string };

/** By artifact: who needs it by the newest versions of deployments, clusters and jobs of Flink, or runs with it; and older versions. */
export async function readUses(client: TesseraClient): Promise<[Uses, Uses]> {
  const uses: [Uses, Uses] = [new Map(), new Map()];
  const { deployments, flinkClusters, flinkJobs } = client;
  await addVersions(uses, (await listAll(client, 'deployments')).resources, {
    list: async (request) => {
      const page = await deployments.listDeploymentVersions(request);
      return { items: page.deployments, nextPageToken: page.nextPageToken };
    },
    needs: ({ daemons }, id) =>
      daemons.flatMap(({ name, artifacts }) =>
        artifacts.map(({ artifact }) => ({ artifact, user: `deployment ${id}, ${name}` })),
      ),
  });
  await addVersions(uses, (await listAll(client, 'flinkClusters')).resources, {
    list: async (request) => {
      const page = await flinkClusters.listFlinkClusterVersions(request);
      return { items: page.flinkClusters, nextPageToken: page.nextPageToken };
    },
    needs: ({ spec }, id) => [{ artifact: spec?.bundle ?? '', user: `flink-cluster ${id}` }],
  });
  await addVersions(uses, (await listAll(client, 'flinkJobs')).resources, {
    list: async (request) => {
      const page = await flinkJobs.listFlinkJobVersions(request);
      return { items: page.flinkJobs, nextPageToken: page.nextPageToken };
    },
    needs: ({ spec }, id) => jarOf(spec, `flink-job ${id}`),
  });
  for (const { name, goodSpec } of (await listAll(client, 'flinkClusterStatuses')).resources) {
    const user = `flink-cluster ${resourceIdOf(name)}, which comes back with it`;
    if (goodSpec !== undefined) add(uses[0], goodSpec.bundle, user);
  }
  for (const { name, deployed, stableSpec } of await statusesOf(client)) {
    const user = `flink-job ${resourceIdOf(name)}, which runs or comes back with it`;
    const needs = [...jarOf(deployed?.spec, user), ...jarOf(stableSpec, user)];
    for (const need of needs) add(uses[0], need.artifact, need.user);
  }
  return uses;
}

async function statusesOf(client: TesseraClient): Promise<readonly flink.FlinkJobStatus[]> {
  return (await listAll(client, 'flinkJobStatuses')).resources;
}

function jarOf(spec: flink.FlinkJobSpec | undefined, user: string): Need[] {
  const { program } = spec ?? {};
  return program?.$case === 'jar' ? [{ artifact: program.value.artifact, user }] : [];
}

interface Versioned {
  readonly name: string;
  readonly version: bigint;
}

/** How the versions of one kind are read, newest first, and what one of them needs. */
interface VersionsOf<T extends Versioned> {
  readonly list: (request: {
    readonly name: string;
    readonly pageSize: number;
    readonly pageToken: string;
  }) => Promise<Page<T>>;
  readonly needs: (one: T, id: string) => readonly Need[];
}

async function addVersions<T extends Versioned>(
  [newest, older]: [Uses, Uses],
  resources: readonly T[],
  { list, needs }: VersionsOf<T>,
): Promise<void> {
  for (const { name } of resources) {
    const id = resourceIdOf(name);
    let isNewest = true;
    for await (const one of pages((pageToken) => list({ name, pageSize: 100, pageToken }))) {
      for (const { artifact, user } of needs(one, id)) {
        if (isNewest) add(newest, artifact, user);
        else add(older, artifact, `${id} version ${one.version}`);
      }
      isNewest = false;
    }
  }
}

function add(uses: Uses, artifact: string, user: string): void {
  uses.set(artifact, (uses.get(artifact) ?? new Set()).add(user));
}
