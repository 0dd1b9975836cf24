import { type Clock, systemClock } from '@tessera/base';
import {
  type CuboidScanner,
  RemoteCuboidScanner,
  RemoteSnapshotReader,
  type SnapshotReader,
  type TesseraClient,
} from '@tessera/client';
import { queryDefaults } from '../config.ts';
import { AskingLocator } from './asking-locator.ts';
import { BroadcastScanner } from './broadcast-scanner.ts';
import { OnlyScanner } from './only-scanner.ts';
import { PruningScanner } from './pruning-scanner.ts';
import { ReplicatedSnapshotReader } from './replicated-snapshots.ts';
import { fixedNodes, RemoteStorageNode } from './storage-node.ts';

export interface StorageClients {
  readonly scanner: CuboidScanner;
  readonly snapshots: SnapshotReader;
}

export interface StorageAddress {
  readonly address: string;
  readonly storage: TesseraClient['storage'];
}

/** How the query daemon reads cuboids: straight from one storage daemon, or over several that are asked what they have. */
export function storageClients(
  daemons: readonly StorageAddress[],
  clock: Clock = systemClock,
): StorageClients {
  const [only, ...more] = daemons as readonly [StorageAddress, ...StorageAddress[]];
  if (more.length === 0) {
    const { address, storage } = only;
    return {
      scanner: new OnlyScanner(address, new RemoteCuboidScanner(storage), clock),
      snapshots: new RemoteSnapshotReader(storage),
    };
  }
  const nodes = fixedNodes(
    daemons.map(({ address, storage }) => new RemoteStorageNode(address, storage)),
  );
  const readers = daemons.map(({ storage }) => new RemoteSnapshotReader(storage));
  const maxPartialBytes = queryDefaults.maxResultBytes;
  const locator = new AskingLocator(nodes, clock);
  const scanner = new BroadcastScanner({ nodes, locator, clock, maxPartialBytes });
  const snapshots = new ReplicatedSnapshotReader(() => readers);
  return { scanner: new PruningScanner(scanner, snapshots), snapshots };
}
