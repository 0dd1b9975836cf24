import type { KeyValueStore } from '@tessera/base';
import { notFound } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { collectionOf, idsOf, internalKey, keyOf } from '../resources/resource-key.ts';

/**
 * References without a lock. Who starts to refer to a resource requires that it is there and touches its
 * `uses` key in the same transaction; who deletes it reads that key, then looks for users, and requires the
 * key unchanged. So of a new user and a deletion that meet, one is told or decides again.
 */
export interface Target {
  readonly kind: string;
  readonly pattern: string;
}

/** @throws NOT_FOUND of the target when the commit runs. */
export function refer(commit: Commit, target: Target, name: string): void {
  commit.requirePresent(keyOf(target.pattern, name), () => notFound(target.kind, name));
  touch(commit, target, name);
}

export function touch(commit: Commit, target: Target, name: string): void {
  commit.put(usesKey(target, name), new Uint8Array());
}

/** To be called before users are looked for. */
export async function guardUses(
  store: KeyValueStore,
  commit: Commit,
  target: Target,
  name: string,
): Promise<void> {
  const key = usesKey(target, name);
  const { entry } = await store.get(key);
  commit.requireUnchanged(key, entry?.modRevision ?? 0n);
}

/** Of a resource that is deleted. */
export function forgetUses(commit: Commit, target: Target, name: string): void {
  commit.delete(usesKey(target, name));
}

function usesKey(target: Target, name: string): string {
  const { pattern } = target;
  return internalKey('uses', collectionOf(pattern), ...idsOf(pattern, name));
}
