import { listAll } from '@tessera/client';
import type { SchedulerClients } from '../clients.ts';
import type { ObservedCube } from './observe.ts';

/** Absolute path of the newest version of each of these dictionaries that has one, by name. */
export async function newestDictionaries(
  clients: SchedulerClients,
  cube: ObservedCube,
  names: readonly string[],
): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const { resources } = await listAll(clients, 'dictionaries', {
    parent: `projects/${cube.project}`,
  });
  const newest = new Map<string, (typeof resources)[number]>();
  for (const dictionary of resources) {
    const known = newest.get(dictionary.key);
    if (known === undefined || known.version < dictionary.version)
      newest.set(dictionary.key, dictionary);
  }
  const found = names.flatMap((name) => newest.get(name) ?? []);
  const { paths } = await clients.storage.locateFiles({ files: found.map(({ file }) => file) });
  return Object.fromEntries(found.map(({ key }, i) => [key, paths[i]!]));
}
