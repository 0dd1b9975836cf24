import { type AccessFunction, type AccessRules, any, type Permission, type Role } from './rules.ts';

/** Part of the catalog. What is absent is meant as a whole: only a permission for any of it covers it. */
export interface Target {
  readonly project?: string | undefined;
  readonly source?: string;
  readonly table?: string;
}

/** The roles of a user and of all his groups, by name; of those that are named, the ones that exist. */
export function rolesOf(
  rules: AccessRules,
  user: { readonly roles: readonly string[]; readonly groups: readonly string[] },
): readonly Role[] {
  const groups = rules.groups.filter(({ name }) => user.groups.includes(name));
  const names = new Set([...user.roles, ...groups.flatMap(({ roles }) => roles)]);
  return rules.roles
    .filter(({ name }) => names.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1)); // The same on every daemon.
}

/** Whether some role permits the function on all of the target. */
export function permits(roles: readonly Role[], wanted: AccessFunction, target: Target): boolean {
  return roles.some((role) => rolePermits(role, wanted, target));
}

export function rolePermits(role: Role, wanted: AccessFunction, target: Target): boolean {
  return role.permissions.some(
    (permission) => permission.functions.includes(wanted) && covers(permission, target),
  );
}

/** Whether some role permits the function on anything in the project: enough to be let in and see that part. */
export function permitsSome(
  roles: readonly Role[],
  wanted: AccessFunction,
  project: string,
): boolean {
  return roles.some(({ permissions }) =>
    permissions.some(
      (permission) => permission.functions.includes(wanted) && matches(permission.project, project),
    ),
  );
}

/** Whether some role permits the function on anything of a source. */
export function permitsSource(
  roles: readonly Role[],
  wanted: AccessFunction,
  project: string,
  source: string,
): boolean {
  return roles.some(({ permissions }) =>
    permissions.some(
      (permission) =>
        permission.functions.includes(wanted) &&
        matches(permission.project, project) &&
        matches(permission.source, source),
    ),
  );
}

function covers(permission: Permission, { project, source, table }: Target): boolean {
  return (
    matches(permission.project, project) &&
    matches(permission.source, source) &&
    matches(permission.table, table)
  );
}

function matches(allowed: string, wanted: string | undefined): boolean {
  return allowed === any || allowed === wanted;
}
