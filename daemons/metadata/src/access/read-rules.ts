import type { AccessFunction, AccessRules, ColumnRule, Policy, User } from '@tessera/access';
import { type KeyValue, type KeyValueStore, resourceIdOf } from '@tessera/base';
import { access } from '@tessera/proto';
import { readWhole } from '../resources/read-whole.ts';
import { selectChildren } from '../resources/resource-key.ts';
import { decodeResource, type Resource, type ResourceKind } from '../resources/resource-kind.ts';
import { groupKind, policyKind, roleKind, userKind } from './access-kinds.ts';

export interface CurrentRules {
  readonly rules: AccessRules & { readonly users: readonly KnownUser[] };
  /** Of the store when they last changed: equal revisions mean equal rules. */
  readonly revision: bigint;
}

export interface KnownUser extends User {
  readonly disabled: boolean;
}

const kinds = [userKind, groupKind, roleKind, policyKind] as const;

/** The rules as they are at the moment of asking: a write that was acknowledged counts from then on. */
export class RulesReader {
  readonly #store: KeyValueStore;
  #known: (CurrentRules & { readonly readAt: bigint; readonly versions: string }) | undefined;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async current(): Promise<CurrentRules> {
    const { revision } = await this.#store.status();
    if (this.#known?.readAt === revision) return this.#known;
    const lists = await Promise.all(
      kinds.map(({ pattern }) => readWhole(this.#store, rangeOf(pattern), revision)),
    );
    const entries = lists.map((list) => list.entries);
    const versions = entries
      .flat()
      .map(({ key, modRevision }) => `${key}@${modRevision}`)
      .join();
    const known = this.#known;
    const same = known?.versions === versions;
    const read = same
      ? { ...known, readAt: revision }
      : { rules: rulesOf(entries), revision, readAt: revision, versions };
    if (known === this.#known) this.#known = read;
    return read;
  }
}

function rangeOf(pattern: string) {
  return selectChildren(pattern, pattern === policyKind.pattern ? 'projects/-' : '').range;
}

function rulesOf([users, groups, roles, policies]: readonly (readonly KeyValue[])[]) {
  return {
    users: decoded(userKind, users!).map(({ name, ...user }) => ({
      name: resourceIdOf(name),
      roles: user.roles,
      groups: user.groups,
      disabled: user.disabled,
    })),
    groups: decoded(groupKind, groups!).map((group) => ({
      name: resourceIdOf(group.name),
      roles: group.roles,
    })),
    roles: decoded(roleKind, roles!).map((role) => ({
      name: resourceIdOf(role.name),
      permissions: role.permissions.map(({ functions, project, source, table }) => ({
        functions: functions.flatMap((one) => functionNames[one] ?? []),
        ...{ project, source, table },
      })),
    })),
    policies: decoded(policyKind, policies!).map(policyOf),
  };
}

const functionNames: Readonly<Record<number, AccessFunction>> = {
  [access.AccessFunction.ACCESS_FUNCTION_QUERY]: 'query',
  [access.AccessFunction.ACCESS_FUNCTION_MODEL]: 'model',
  [access.AccessFunction.ACCESS_FUNCTION_BUILD]: 'build',
  [access.AccessFunction.ACCESS_FUNCTION_OPERATE]: 'operate',
  [access.AccessFunction.ACCESS_FUNCTION_ADMINISTER]: 'administer',
};

function policyOf({ name, role, source, table, rows, columns }: access.Policy): Policy {
  return {
    name: resourceIdOf(name),
    project: name.split('/')[1]!,
    ...{ role, source, table },
    ...(rows === '' ? {} : { rows }),
    columns: Object.fromEntries(columns.map((column) => [column.column, columnRuleOf(column)])),
  };
}

/** What this version does not know is hidden. */
function columnRuleOf({ visibility, mask }: access.ColumnPolicy): ColumnRule {
  switch (visibility) {
    case access.ColumnVisibility.COLUMN_VISIBILITY_VISIBLE:
      return { kind: 'visible' };
    case access.ColumnVisibility.COLUMN_VISIBILITY_MASKED:
      return { kind: 'masked', ...(mask === '' ? {} : { mask }) };
    default:
      return { kind: 'hidden' };
  }
}

function decoded<T extends Resource>(kind: ResourceKind<T>, entries: readonly KeyValue[]): T[] {
  return entries.map((entry) => decodeResource(kind, entry));
}
