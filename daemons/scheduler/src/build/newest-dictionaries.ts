import { listAll } from '@tessera/client';
import type { BuildStore } from '../replicas/build-store.ts';
import { pulledFile } from '../replicas/items.ts';
import type { ObservedCube } from './observe.ts';

/** Absolute path of the newest version of each of these dictionaries that has one, by name. */
export async function newestDictionaries(
  store: BuildStore,
  cube: ObservedCube,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const { resources } = await listAll(store.clients, 'dictionaries', {
    parent: `projects/${cube.project}`,
  });
  const newest = new Map<string, (typeof resources)[number]>();
  for (const dictionary of resources) {
    const known = newest.get(dictionary.key);
    if (known === undefined || known.version < dictionary.version)
      newest.set(dictionary.key, dictionary);
  }
  const found = names.flatMap((name) => newest.get(name) ?? []);
  const files = found.map(({ file, fileDigest }) => pulledFile({ file, fileDigest }));
  const paths = await store.locate(files, signal);
  return Object.fromEntries(found.map(({ key }, i) => [key, paths[i]!]));
}
