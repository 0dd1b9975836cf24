import type { access } from '@tessera/proto';
import type { Tables } from '../rules/tables.ts';
import { remove, watch } from './metadata-handlers.ts';

/** Wire in, wire out: users, groups, roles, policies. */

export function userHandler({ users }: Tables): access.UserServiceImplementation {
  return {
    getUser: ({ name }) => users.get(name),
    listUsers: async (request) => {
      const { resources, ...page } = await users.list(request);
      return { users: resources, ...page };
    },
    createUser: ({ userId, user, ...options }) =>
      users.create({ name: `users/${userId}`, resource: user, ...options }),
    updateUser: ({ user, ...options }) => users.update({ resource: user, ...options }),
    deleteUser: (request) => remove(users, request),
    watchUsers: ({ startRevision }, { signal }) =>
      watch(users, { parent: '', startRevision }, signal),
  };
}

export function groupHandler({ groups }: Tables): access.GroupServiceImplementation {
  return {
    getGroup: ({ name }) => groups.get(name),
    listGroups: async (request) => {
      const { resources, ...page } = await groups.list(request);
      return { groups: resources, ...page };
    },
    createGroup: ({ groupId, group, ...options }) =>
      groups.create({ name: `groups/${groupId}`, resource: group, ...options }),
    updateGroup: ({ group, ...options }) => groups.update({ resource: group, ...options }),
    deleteGroup: (request) => remove(groups, request),
    watchGroups: ({ startRevision }, { signal }) =>
      watch(groups, { parent: '', startRevision }, signal),
  };
}

export function roleHandler({ roles }: Tables): access.RoleServiceImplementation {
  return {
    getRole: ({ name }) => roles.get(name),
    listRoles: async (request) => {
      const { resources, ...page } = await roles.list(request);
      return { roles: resources, ...page };
    },
    createRole: ({ roleId, role, ...options }) =>
      roles.create({ name: `roles/${roleId}`, resource: role, ...options }),
    updateRole: ({ role, ...options }) => roles.update({ resource: role, ...options }),
    deleteRole: (request) => remove(roles, request),
    watchRoles: ({ startRevision }, { signal }) =>
      watch(roles, { parent: '', startRevision }, signal),
  };
}

export function policyHandler({ policies }: Tables): access.PolicyServiceImplementation {
  return {
    getPolicy: ({ name }) => policies.get(name),
    listPolicies: async (request) => {
      const { resources, ...page } = await policies.list(request);
      return { policies: resources, ...page };
    },
    createPolicy: ({ parent, policyId, policy, ...options }) =>
      policies.create({ name: `${parent}/policies/${policyId}`, resource: policy, ...options }),
    updatePolicy: ({ policy, ...options }) => policies.update({ resource: policy, ...options }),
    deletePolicy: (request) => remove(policies, request),
    watchPolicies: (request, { signal }) => watch(policies, request, signal),
  };
}
