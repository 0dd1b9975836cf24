import type { AccessRules, ServiceKind, User } from '@tessera/access';
import { type KeyValue, type KeyValueStore, resourceIdOf } from '@tessera/base';
import { policyFromProto, roleFromProto, servicesFromProto } from '@tessera/daemon';
import type { access } from '@tessera/proto';
import { readWhole } from '../resources/read-whole.ts';
import { selectChildren } from '../resources/resource-key.ts';
import { decodeResource, type Resource, type ResourceKind } from '../resources/resource-kind.ts';
import { groupKind, policyKind, roleKind, userKind } from './access-kinds.ts';

export interface CurrentRules {
  readonly rules: Omit<AccessRules, 'users'> & { readonly users: readonly KnownUser[] };
  /** Of the rules what other daemons are told, as it is stored. */
  readonly resources: access.AccessRules;
  /** Of the store when they last changed: equal revisions mean equal rules. */
  readonly revision: bigint;
}

export interface KnownUser extends User {
  /** Tells him from a later user of the same name; empty for one whom only an identity provider knows. */
  readonly uid: string;
  readonly disabled: boolean;
  /** Not empty: a daemon. */
  readonly services: readonly ServiceKind[];
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
      : { ...rulesOf(entries), revision, readAt: revision, versions };
    if (known === this.#known) this.#known = read;
    return read;
  }
}

function rangeOf(pattern: string) {
  return selectChildren(pattern, pattern === policyKind.pattern ? 'projects/-' : '').range;
}

function rulesOf([users, groups, roles, policies]: readonly (readonly KeyValue[])[]) {
  const resources = {
    roles: decoded(roleKind, roles!),
    policies: decoded(policyKind, policies!),
  };
  const rules = {
    users: decoded(userKind, users!).map(({ name, ...user }) => ({
      name: resourceIdOf(name),
      uid: user.uid,
      roles: user.roles,
      groups: user.groups,
      disabled: user.disabled,
      services: servicesFromProto(user.services),
    })),
    groups: decoded(groupKind, groups!).map((group) => ({
      name: resourceIdOf(group.name),
      roles: group.roles,
    })),
    roles: resources.roles.map(roleFromProto),
    policies: resources.policies.map(policyFromProto),
  };
  return { rules, resources };
}

function decoded<T extends Resource>(kind: ResourceKind<T>, entries: readonly KeyValue[]): T[] {
  return entries.map((entry) => decodeResource(kind, entry));
}
