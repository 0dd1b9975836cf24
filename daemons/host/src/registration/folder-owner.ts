import { folderOfAnother } from '../errors.ts';
import type { Facts } from '../inventory/machine-id.ts';

const fact = 'host-name';

/**
 * A folder belongs to the host that first registered with it. Under another name it is a copy, whose daemon would take the other's
 * processes for its own, or start them a second time.
 * @throws HOST_FOLDER_OF_ANOTHER
 */
export function requireOwnFolder(facts: Facts, name: string): void {
  const owner = facts.fact(fact) ?? name;
  if (owner !== name) throw folderOfAnother(owner, name);
}

/** From now on no other host may use this folder. */
export function ownFolder(facts: Facts, name: string): void {
  if (facts.fact(fact) !== name) facts.saveFact(fact, name);
}
