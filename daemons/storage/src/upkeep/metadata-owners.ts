import { isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import { parseStoredPath } from '../files/stored-path.ts';
import type { FileOwners } from './file-owners.ts';

type Client = Pick<TesseraClient, 'segments' | 'snapshots' | 'dictionaries' | 'storageNodes'>;

/** Looks up in metadata which storage nodes hold a file. @param self the id of this daemon's node */
export function metadataOwners(client: Client, self: string): FileOwners {
  return {
    async addressesOf(file, signal) {
      const replicas = await replicasOf(client, file, signal);
      if (replicas === undefined) return undefined;
      const others = replicas.filter((node) => node !== self);
      const nodes = others.map((node) =>
        ifThere(client.storageNodes.getStorageNode({ name: `storageNodes/${node}` }, { signal })),
      );
      return (await Promise.all(nodes)).flatMap((node) => node?.address ?? []);
    },
  };
}

/** Ids of storage nodes, by the resource that names the file. */
async function replicasOf(
  { segments, snapshots, dictionaries }: Client,
  file: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const name = parseStoredPath(file);
  switch (name?.kind) {
    case undefined:
      return undefined;
    case 'layout': {
      const { cube, segment } = name;
      const request = { name: `${cube}/segments/${segment}` };
      const found = await ifThere(segments.getSegment(request, { signal }));
      return found?.layouts.some((layout) => layout.file === file) ? found.replicas : undefined;
    }
    case 'snapshot': {
      const request = { name: `projects/${name.project}/snapshots/${name.id}` };
      const found = await ifThere(snapshots.getSnapshot(request, { signal }));
      return found?.file === file ? found.replicas : undefined;
    }
    case 'dictionary': {
      const request = { name: `projects/${name.project}/dictionaries/${name.id}` };
      const found = await ifThere(dictionaries.getDictionary(request, { signal }));
      return found?.file === file ? found.replicas : undefined;
    }
  }
}

const missing = [
  'SEGMENT_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'DICTIONARY_NOT_FOUND',
  'STORAGE_NODE_NOT_FOUND',
];

async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error) => {
    if (isTesseraError(error) && missing.includes(error.reason)) return undefined;
    throw error;
  });
}
