import { Code, isTesseraError } from '@tessera/base';
import type { SchedulerClients } from '../clients.ts';
import type { Catalog } from './catalog.ts';
import type { StoredItem } from './stored-item.ts';

/** What is written of an item: who has it. */
export interface Holding {
  readonly replicas: readonly string[];
  readonly inDeepStorage: boolean;
}

/**
 * Writes down who has an item, on top of the version that was decided by. False when somebody else has written it
 * meanwhile: then it is decided again.
 */
export async function recordHolding(
  clients: Pick<SchedulerClients, 'segments' | 'snapshots' | 'dictionaries'>,
  catalog: Catalog,
  { name, kind }: Pick<StoredItem, 'name' | 'kind'>,
  { replicas, inDeepStorage }: Holding,
): Promise<boolean> {
  const etag = catalog.etagOf(name, kind);
  if (etag === undefined) return false;
  const change = { name, etag, replicas: [...replicas], inDeepStorage };
  const updateMask = ['replicas', 'in_deep_storage'];
  try {
    switch (kind) {
      case 'segment':
        catalog.segments.put(await clients.segments.updateSegment({ segment: change, updateMask }));
        break;
      case 'snapshot':
        catalog.snapshots.put(
          await clients.snapshots.updateSnapshot({ snapshot: change, updateMask }),
        );
        break;
      case 'dictionary':
        catalog.dictionaries.put(
          await clients.dictionaries.updateDictionary({ dictionary: change, updateMask }),
        );
    }
    return true;
  } catch (error) {
    if (isTesseraError(error, 'ETAG_MISMATCH')) return false;
    if (isTesseraError(error) && error.code === Code.NOT_FOUND) return false;
    throw error;
  }
}
