import type { Clock } from '@tessera/base';
import type { ConnectOptions, TesseraClient } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { MetadataView } from '../catalog/metadata-view.ts';
import { queryDefaults } from '../config.ts';
import { AskingLocator } from './asking-locator.ts';
import { BroadcastScanner } from './broadcast-scanner.ts';
import { KnownNodes } from './known-nodes.ts';
import { PruningScanner } from './pruning-scanner.ts';
import { RecordedLocator } from './recorded-locator.ts';
import { ReplicatedSnapshotReader } from './replicated-snapshots.ts';
import type { StorageClients } from './storage-clients.ts';

export interface ReplicatedStorageParts {
  readonly client: TesseraClient;
  readonly metadata: MetadataView;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeConnections?: ConnectOptions;
}

/** How the query daemon reads cuboids in a cluster: from the storage nodes that metadata names, by the replicas that it records. */
export function replicatedStorage({
  metadata,
  ...options
}: ReplicatedStorageParts): StorageClients & AsyncDisposable {
  const { clock } = options;
  const known = new KnownNodes(options);
  const nodes = () => known.nodes;
  const asking = new AskingLocator(nodes, clock);
  const locator = new RecordedLocator({
    segment: (name) => metadata.segments.find(name),
    asking,
    clock,
  });
  const maxPartialBytes = queryDefaults.maxResultBytes;
  const scanner = new BroadcastScanner({ nodes, locator, clock, maxPartialBytes });
  const snapshots = new ReplicatedSnapshotReader((snapshot) =>
    known.snapshotReaders(metadata.find('snapshots', snapshot)?.replicas ?? []),
  );
  return {
    scanner: new PruningScanner(scanner, snapshots),
    snapshots,
    [Symbol.asyncDispose]: () => known[Symbol.asyncDispose](),
  };
}
