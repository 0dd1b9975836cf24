import { Code, TesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import type { Resource } from '@tessera/cube';
import { exportAccess } from '../access-resources.ts';
import { exportResources } from '../apply.ts';
import type { CommandContext } from '../context.ts';
import { exportDeployments } from '../deployment-resources.ts';
import { exportFlink } from '../flink-resources.ts';

/** The kinds of resources that a user names in commands, and what is done with those of one. */

export const kinds = {
  source: 'Source',
  model: 'Model',
  cube: 'Cube',
  user: 'User',
  group: 'Group',
  role: 'Role',
  policy: 'Policy',
  deployment: 'Deployment',
  'flink-cluster': 'FlinkCluster',
  'flink-job': 'FlinkJob',
} as const;
export const kindList =
  'source, model, cube, user, group, role, policy, deployment, flink-cluster or flink-job';
export type KindWord = keyof typeof kinds;

/** Kinds that only administrators see. */
const accessKinds: readonly KindWord[] = ['user', 'group', 'role', 'policy'];

/** @returns the name of what was deleted */
export async function deleteOne(
  { client, project }: CommandContext,
  word: KindWord,
  id: string,
): Promise<string> {
  const path = {
    user: 'users',
    group: 'groups',
    role: 'roles',
    policy: `${project}/policies`,
    deployment: 'deployments',
    'flink-cluster': 'flink-clusters',
    'flink-job': 'flink-jobs',
  };
  const name =
    word in path ? `${path[word as keyof typeof path]}/${id}` : `${project}/${word}s/${id}`;
  switch (word) {
    case 'source':
      await client.sources.deleteSource({ name });
      break;
    case 'model':
      await client.models.deleteModel({ name });
      break;
    case 'cube':
      await client.cubes.deleteCube({ name });
      break;
    case 'user':
      await client.users.deleteUser({ name });
      break;
    case 'group':
      await client.groups.deleteGroup({ name });
      break;
    case 'role':
      await client.roles.deleteRole({ name });
      break;
    case 'policy':
      await client.policies.deletePolicy({ name });
      break;
    case 'deployment':
      await client.deployments.deleteDeployment({ name });
      break;
    case 'flink-cluster':
      await client.flinkClusters.deleteFlinkCluster({ name });
      break;
    case 'flink-job':
      await client.flinkJobs.deleteFlinkJob({ name });
  }
  return name;
}

export async function select(
  client: TesseraClient,
  project: string,
  kind: string | undefined,
  name: string | undefined,
): Promise<Resource[]> {
  const all = await exported(client, project, kind === undefined ? undefined : kindWord(kind));
  const ofKind =
    kind === undefined ? all : all.filter((item) => item.kind === kinds[kindWord(kind)]);
  const found = name === undefined ? ofKind : ofKind.filter((item) => item.name === name);
  if (name !== undefined && found.length === 0) throw resourceNotFound(kind!, name);
  return found;
}

export function resourceNotFound(kind: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'RESOURCE_NOT_FOUND',
    message: `There is no ${kind} ${name}; 'tessera get ${kind}' lists them.`,
    metadata: { kind, name },
  });
}

function exported(
  client: TesseraClient,
  project: string,
  word: KindWord | undefined,
): Promise<Resource[]> {
  if (word === 'deployment') return exportDeployments(client);
  if (word === 'flink-cluster' || word === 'flink-job') return exportFlink(client);
  if (word !== undefined && accessKinds.includes(word)) return exportAccess(client, project);
  return exportResources(client, project);
}

export function kindWord(kind: string): KindWord {
  const word = kind.toLowerCase().replace(/ies$/, 'y').replace(/s$/, '');
  // As it is written in YAML, too.
  const asOne = (text: string) => text.replace('-', '');
  const known = Object.keys(kinds).find((one) => asOne(one) === asOne(word));
  if (known !== undefined) return known as KindWord;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'UNKNOWN_KIND',
    message: `${kind} is not a kind of resource: use ${kindList}.`,
    metadata: { kind },
  });
}

export function summaryOf(resource: Resource): string {
  switch (resource.kind) {
    case 'Project':
      return resource.spec.description ?? '';
    case 'Source':
      return resource.spec.use;
    case 'Model': {
      const { fact, joins, dimensions, measures } = resource.spec;
      return `${fact.source}.${fact.table}, ${joins.length} joins, ${dimensions.length} dimensions, ${measures.length} measures`;
    }
    case 'User':
      return `${[...resource.spec.roles, ...resource.spec.groups].join(', ')}${resource.spec.disabled ? ' (disabled)' : ''}`;
    case 'Group':
      return resource.spec.roles.join(', ');
    case 'Role':
      return resource.spec.permissions
        .map(({ functions, project, source, table }) => {
          return `${functions.join(', ')} on ${project}/${source}.${table}`;
        })
        .join('; ');
    case 'Policy':
      return `of role ${resource.spec.role} on ${resource.spec.source}.${resource.spec.table}`;
    case 'Cube':
      return `of model ${resource.spec.model}`;
    case 'Deployment': {
      const { daemons, paused } = resource.spec;
      return `${daemons.map(({ name }) => name).join(', ')}${paused ? ' (paused)' : ''}`;
    }
    case 'FlinkCluster': {
      const { flinkVersion, taskManagerCount: least = 1, maxTaskManagerCount = 0 } = resource.spec;
      const most = Math.max(least, maxTaskManagerCount);
      return `Flink ${flinkVersion}, ${most > least ? `${least} to ${most}` : least} TaskManagers`;
    }
    case 'FlinkJob':
      return `on ${resource.spec.cluster}${resource.spec.scaling === undefined ? '' : ', scaled'}`;
  }
}
