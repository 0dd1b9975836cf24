import { invariant, type KeyValueStore } from '@tessera/base';
import {
  catalogFormat,
  decodeInstallation,
  encodeInstallation,
  type Installation,
  installationKey,
} from './installation.ts';

/** `undefined`: nobody has served the store yet. @throws CATALOG_NEWER, INSTALLATION_UNREADABLE. */
export async function findInstallation(store: KeyValueStore): Promise<Installation | undefined> {
  const { entry } = await store.get(installationKey);
  return entry && decodeInstallation(entry.value);
}

/** Of daemons that open a new store at once, one names the installation. @throws as `findInstallation`. */
export async function openInstallation(
  store: KeyValueStore,
  newId: () => string,
): Promise<Installation> {
  const found = await findInstallation(store);
  if (found !== undefined) return found;
  const made = { id: newId(), format: catalogFormat };
  const { succeeded } = await store.transaction({
    compare: [{ key: installationKey, target: 'createRevision', to: 0n }],
    success: [{ op: 'put', key: installationKey, value: encodeInstallation(made) }],
  });
  const opened = succeeded ? made : await findInstallation(store);
  invariant(opened !== undefined, 'nobody deletes the record of an installation');
  return opened;
}
