import { servicesFromProto } from '@tessera/daemon';
import { access } from '@tessera/proto';
import { badRequest, invalidSpec } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import type { ModelValidator } from '../rules/model-validator.ts';
import { referProject } from '../rules/project-rules.ts';
import { credentialsKey } from './credentials.ts';

/** What must hold of the resources of access: nothing that could be read as more than was meant is taken. */

/** His password and tokens go with a user, so that a later one of the same name does not have them; sessions name his uid. */
export const userRules: ResourceRules<access.User> = {
  onWrite: async ({ after }) => {
    const { services, roles, groups } = after;
    if (servicesFromProto(services).length < new Set(services).size) {
      throw badRequest('services', 'has a kind of daemon that is not known here.');
    }
    if (services.length > 0 && roles.length + groups.length > 0) {
      throw badRequest(
        'services',
        'must be empty where there are roles or groups: a daemon has none.',
      );
    }
    return after;
  },
  onDelete: async ({ name }, commit: Commit) => {
    commit.delete(credentialsKey(name.slice('users/'.length)));
  },
};

export const roleRules: ResourceRules<access.Role> = {
  onWrite: async ({ after }) => {
    for (const [i, permission] of after.permissions.entries()) {
      const field = `permissions[${i}]`;
      const { functions, project, source, table } = permission;
      if (functions.length === 0) throw badRequest(`${field}.functions`, 'must not be empty.');
      if (functions.some((one) => !known(one))) {
        throw badRequest(`${field}.functions`, 'has a function that is not known here.');
      }
      for (const [key, value] of Object.entries({ project, source, table })) {
        if (value === '')
          throw badRequest(`${field}.${key}`, 'is missing: give a name, or * for any.');
      }
    }
    return after;
  },
};

export function policyRules(validator: ModelValidator): ResourceRules<access.Policy> {
  return {
    onWrite: async ({ before, after }, commit) => {
      const { role, source, table, columns } = after;
      for (const [key, value] of Object.entries({ role, source, table })) {
        if (value === '') throw badRequest(key, 'must not be empty.');
      }
      const names = columns.map(({ column }) => column);
      for (const [i, { visibility }] of columns.entries()) {
        const field = `columns[${i}]`;
        if (names.indexOf(names[i]!) !== i)
          throw badRequest(field, 'names a column for the second time.');
        if (!visibilities.includes(visibility)) {
          throw badRequest(`${field}.visibility`, 'must be visible, masked or hidden.');
        }
      }
      const faults = await validator.checkPolicy(after);
      if (faults.length > 0) throw invalidSpec('policy', after.name, faults);
      if (before === undefined) referProject(commit, after.name);
      return after;
    },
  };
}

const visibilities: readonly number[] = [
  access.ColumnVisibility.COLUMN_VISIBILITY_VISIBLE,
  access.ColumnVisibility.COLUMN_VISIBILITY_MASKED,
  access.ColumnVisibility.COLUMN_VISIBILITY_HIDDEN,
];

function known(one: access.AccessFunction): boolean {
  return (
    one !== access.AccessFunction.ACCESS_FUNCTION_UNSPECIFIED &&
    Object.values(access.AccessFunction).includes(one) &&
    one !== access.AccessFunction.UNRECOGNIZED
  );
}
