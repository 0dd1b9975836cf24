import { checkResourceId, systemClock } from '@tessera/base';
import { connect, type Transport } from '@tessera/client';
import { type Logger, Registration, startServer } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { type ComposedStorage, composeStorage } from './composition.ts';
import { type StorageConfigInput, storageConfig } from './config.ts';
import { describeNode } from './registration/describe-node.ts';
import { storageNodeRegistrant } from './registration/storage-node-registrant.ts';
import { noOwners } from './upkeep/file-owners.ts';
import { metadataOwners } from './upkeep/metadata-owners.ts';

export interface StorageAddresses {
  /** Where to listen; port 0 picks a free one. Others reach the daemon by it. */
  readonly address: string;
  /** Where metadata is served. Absent: the daemon is registered nowhere, and nothing is placed on it. */
  readonly metadataAddress?: string;
  /** Protects all of it: what is served, and the connections to metadata. */
  readonly transport?: Transport;
  /** Of a user that may operate the platform, where metadata controls access. */
  readonly token?: string;
}

export interface RunningStorage extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
  readonly storage: ComposedStorage;
  readonly registration?: Registration<metadata.StorageNode>;
}

/**
 * Serves a store, and makes it known as a storage node where there is metadata.
 * @throws BAD_RESOURCE_ID, STORAGE_NODE_NAME_TAKEN, ADDRESS_IN_USE, PLAINTEXT_REFUSED, and what reading certificates throws.
 */
export async function runStorage(
  input: StorageConfigInput,
  addresses: StorageAddresses,
  log: Logger,
  meter: Meter = noMeter,
): Promise<RunningStorage> {
  const config = storageConfig.parse(input);
  const { address, metadataAddress, transport = {}, token } = addresses;
  if (metadataAddress !== undefined) checkResourceId(config.name, 'Storage node');
  await using starting = new AsyncDisposableStack();
  const options = { transport, ...(token === undefined ? {} : { token }) };
  const connectTo = (peer: string) => connect(peer, options);
  const client =
    metadataAddress === undefined ? undefined : starting.use(connectTo(metadataAddress));
  const owners = client === undefined ? noOwners : metadataOwners(client, config.name);
  const storage = starting.use(await composeStorage(input, { log, meter, connectTo, owners }));
  const { services, daemon } = storage;
  const server = starting.use(await startServer({ address, transport, services, log }));
  const outcome: { registration?: Registration<metadata.StorageNode> } = {};
  if (client !== undefined) {
    const describe = () => describeNode(config.name, server.address, config, daemon);
    outcome.registration = starting.use(
      await Registration.start({
        client,
        registrant: storageNodeRegistrant(client, describe),
        clock: systemClock,
        log,
        ttlMs: config.leaseTtlMs,
        refreshIntervalMs: config.registrationIntervalMs,
      }),
    );
  }
  const running = starting.move();
  return {
    address: server.address,
    storage,
    ...outcome,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
