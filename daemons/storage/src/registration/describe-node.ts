import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { metadata } from '@tessera/proto';
import type { StorageConfig } from '../config.ts';
import type { StorageDaemon } from '../storage-daemon.ts';
import { directoryIdOf } from './directory-id.ts';

/** Of a disk that nobody said how much of: room for what is being taken in, and for other users of the disk. */
const usablePart = 0.9;

/** What a storage daemon registers as `name`, once it is known where it is served. */
export async function describeNode(
  name: string,
  address: string,
  config: StorageConfig,
  daemon: StorageDaemon,
): Promise<metadata.StorageNode> {
  const { storedBytes, quarantinedFiles } = await daemon.totals();
  return metadata.StorageNode.fromPartial({
    name: `storageNodes/${name}`,
    directoryId: await directoryIdOf(config.directory),
    address,
    rack: config.rack,
    hostname: hostname(),
    capacityBytes: BigInt(config.capacityBytes ?? (await usableBytes(config.directory))),
    lease: `leases/storage.${name}`,
    version,
    storedBytes: BigInt(storedBytes),
    quarantinedFiles: BigInt(quarantinedFiles),
  });
}

async function usableBytes(directory: string): Promise<number> {
  const { blocks, bsize } = await statfs(directory);
  return Math.floor(blocks * bsize * usablePart);
}

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };
