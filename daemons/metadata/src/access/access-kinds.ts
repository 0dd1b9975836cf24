import { access } from '@tessera/proto';
import type { ResourceKind } from '../resources/resource-kind.ts';

/** The resources of access. Secrets are none: see `credentials.ts`. */

export const userKind: ResourceKind<access.User> = {
  kind: 'user',
  pattern: 'users/{user}',
  codec: access.User,
  fields: { roles: 'roles', groups: 'groups', disabled: 'disabled', services: 'services' },
};

export const groupKind: ResourceKind<access.Group> = {
  kind: 'group',
  pattern: 'groups/{group}',
  codec: access.Group,
  fields: { roles: 'roles' },
};

export const roleKind: ResourceKind<access.Role> = {
  kind: 'role',
  pattern: 'roles/{role}',
  codec: access.Role,
  fields: { permissions: 'permissions' },
};

export const policyKind: ResourceKind<access.Policy> = {
  kind: 'policy',
  pattern: 'projects/{project}/policies/{policy}',
  codec: access.Policy,
  fields: { role: 'role', source: 'source', table: 'table', rows: 'rows', columns: 'columns' },
};
