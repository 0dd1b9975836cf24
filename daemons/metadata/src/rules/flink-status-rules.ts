import { flinkPresent, notFound } from '../errors.ts';
import { idsOf, keyOf } from '../resources/resource-key.ts';
import type { Resource, ResourceKind } from '../resources/resource-kind.ts';
import type { ResourceRules } from '../resources/resource-table.ts';

export interface FlinkStatusRulesOptions<Owner extends Resource, Status extends Resource> {
  readonly kind: 'flink_cluster' | 'flink_job';
  readonly ofKind: ResourceKind<Owner>;
  readonly statusKind: ResourceKind<Status>;
  readonly find: (name: string) => Promise<Owner | undefined>;
  /** The status with the uid of what it is of. */
  readonly withUid: (status: Status, uid: string) => Status;
}

/**
 * A status is the log of what was done for a cluster or a job. It is begun while that is there, and says of which one of
 * that name it is; it outlives it, since whoever stops the last processes needs the log; and it goes before another one
 * may have the name.
 */
export function flinkStatusRules<Owner extends Resource, Status extends Resource>(
  options: FlinkStatusRulesOptions<Owner, Status>,
): ResourceRules<Status> {
  const { kind, ofKind, statusKind, find, withUid } = options;
  const ownerOf = (status: string) => {
    const [id] = idsOf(statusKind.pattern, status);
    return ofKind.pattern.replace(/\{.*\}/, id!);
  };
  return {
    onWrite: async ({ before, after }, commit) => {
      if (before !== undefined) return after;
      const name = ownerOf(after.name);
      const owner = await find(name);
      if (owner === undefined) throw notFound(kind, name);
      commit.requireUnchanged(keyOf(ofKind.pattern, name), owner.revision);
      return withUid(after, owner.uid);
    },
    onDelete: async ({ name }, commit) => {
      const owner = ownerOf(name);
      commit.requireAbsent(keyOf(ofKind.pattern, owner), () => flinkPresent(kind, owner));
    },
  };
}

/** That of a cluster or of a job. */
export function statusNameOf(
  ofKind: Pick<ResourceKind<Resource>, 'pattern'>,
  statusKind: Pick<ResourceKind<Resource>, 'pattern'>,
  name: string,
): string {
  const [id] = idsOf(ofKind.pattern, name);
  return statusKind.pattern.replace(/\{.*\}/, id!);
}
