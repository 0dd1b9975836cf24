import type { KeyValueStore } from '@tessera/base';
import { restoreIncomplete } from '../errors.ts';
import { internalKey } from './resource-key.ts';

/** There while a restore has not come to its end: a store with it holds only a part of a backup. */
export const restoreMarker = internalKey('restore', 'incomplete');

/**
 * What is listed while a restore runs lacks what is still to come; whoever deletes what a list does not name
 * must not be shown it.
 * @throws UNAVAILABLE RESTORE_INCOMPLETE when the store was like that at a revision.
 */
export async function requireWhole(store: KeyValueStore, revision: bigint): Promise<void> {
  const { entry } = await store.get(restoreMarker, { revision });
  if (entry !== undefined) throw restoreIncomplete();
}
