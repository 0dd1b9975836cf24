import { resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import type {
  AccessFunctionWord,
  AccessResource,
  ColumnWord,
  Resource,
  ServiceWord,
} from '@tessera/cube';
import { access } from '@tessera/proto';

/** Users, groups, roles and policies: between YAML and the services. */

const functions: Readonly<Record<AccessFunctionWord, access.AccessFunction>> = {
  query: access.AccessFunction.ACCESS_FUNCTION_QUERY,
  model: access.AccessFunction.ACCESS_FUNCTION_MODEL,
  build: access.AccessFunction.ACCESS_FUNCTION_BUILD,
  operate: access.AccessFunction.ACCESS_FUNCTION_OPERATE,
  administer: access.AccessFunction.ACCESS_FUNCTION_ADMINISTER,
};
const services: Readonly<Record<ServiceWord, access.ServiceKind>> = {
  metadata: access.ServiceKind.SERVICE_KIND_METADATA,
  scheduler: access.ServiceKind.SERVICE_KIND_SCHEDULER,
  query: access.ServiceKind.SERVICE_KIND_QUERY,
  storage: access.ServiceKind.SERVICE_KIND_STORAGE,
  host: access.ServiceKind.SERVICE_KIND_HOST,
};
const serviceWords = Object.keys(services) as ServiceWord[];
const visibilities: Readonly<Record<ColumnWord, access.ColumnVisibility>> = {
  visible: access.ColumnVisibility.COLUMN_VISIBILITY_VISIBLE,
  masked: access.ColumnVisibility.COLUMN_VISIBILITY_MASKED,
  hidden: access.ColumnVisibility.COLUMN_VISIBILITY_HIDDEN,
};

export function isAccessResource(resource: Resource): resource is AccessResource {
  return ['User', 'Group', 'Role', 'Policy'].includes(resource.kind);
}

export async function applyAccess(
  client: TesseraClient,
  resource: AccessResource,
  options: { readonly project: string; readonly dryRun: boolean },
): Promise<void> {
  const common = { allowMissing: true, validateOnly: options.dryRun };
  const { kind, name } = resource;
  switch (kind) {
    case 'User':
      await client.users.updateUser({
        ...common,
        user: {
          name: `users/${name}`,
          ...resource.spec,
          services: resource.spec.services.map((word) => services[word]),
        },
      });
      return;
    case 'Group':
      await client.groups.updateGroup({
        ...common,
        group: { name: `groups/${name}`, ...resource.spec },
      });
      return;
    case 'Role':
      await client.roles.updateRole({
        ...common,
        role: {
          name: `roles/${name}`,
          permissions: resource.spec.permissions.map(permissionToProto),
        },
      });
      return;
    case 'Policy': {
      const { role, source, table, rows = '', columns } = resource.spec;
      await client.policies.updatePolicy({
        ...common,
        policy: {
          name: `projects/${options.project}/policies/${name}`,
          ...{ role, source, table, rows },
          columns: Object.entries(columns).map(([column, rule]) =>
            typeof rule === 'string'
              ? { column, visibility: visibilities[rule], mask: '' }
              : { column, visibility: visibilities.masked, mask: rule.mask },
          ),
        },
      });
    }
  }
}

/** All of them, the policies of one project. */
export async function exportAccess(
  client: TesseraClient,
  project: string,
): Promise<AccessResource[]> {
  const [users, groups, roles, policies] = await Promise.all([
    listAll(client, 'users'),
    listAll(client, 'groups'),
    listAll(client, 'roles'),
    listAll(client, 'policies', { parent: `projects/${project}` }),
  ]);
  return [
    ...roles.resources.map(
      ({ name, permissions }): AccessResource => ({
        kind: 'Role',
        name: resourceIdOf(name),
        spec: { permissions: permissions.map(permissionFromProto) },
      }),
    ),
    ...groups.resources.map(
      (group): AccessResource => ({
        kind: 'Group',
        name: resourceIdOf(group.name),
        spec: { roles: group.roles },
      }),
    ),
    ...users.resources.map(
      ({ name, roles, groups, disabled, services: kinds }): AccessResource => ({
        kind: 'User',
        name: resourceIdOf(name),
        spec: {
          ...{ roles, groups, disabled },
          services: serviceWords.filter((word) => kinds.includes(services[word])),
        },
      }),
    ),
    ...policies.resources.map(policyOf),
  ];
}

function policyOf({ name, role, source, table, rows, columns }: access.Policy): AccessResource {
  const word = ({ visibility, mask }: access.ColumnPolicy) => {
    if (visibility === visibilities.visible) return 'visible';
    if (visibility !== visibilities.masked) return 'hidden';
    return mask === '' ? 'masked' : { mask };
  };
  return {
    kind: 'Policy',
    name: resourceIdOf(name),
    spec: {
      ...{ role, source, table },
      ...(rows === '' ? {} : { rows }),
      columns: Object.fromEntries(columns.map((column) => [column.column, word(column)])),
    },
  };
}

type Permission = Extract<AccessResource, { kind: 'Role' }>['spec']['permissions'][number];

function permissionToProto(permission: Permission): access.Permission {
  return { ...permission, functions: permission.functions.map((word) => functions[word]) };
}

function permissionFromProto(permission: access.Permission): Permission {
  const words = Object.keys(functions) as AccessFunctionWord[];
  const known = words.filter((word) => permission.functions.includes(functions[word]));
  return { ...permission, functions: known };
}
