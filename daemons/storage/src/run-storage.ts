import { join } from 'node:path';
import { checkResourceId, systemClock } from '@tessera/base';
import { connect, type TesseraClient, type TokenSource, type Transport } from '@tessera/client';
import {
  type AccessArguments,
  controlByMetadata,
  InstallationNote,
  isControlled,
  type Logger,
  Registration,
  startServer,
} from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { type ComposedStorage, composeStorage } from './composition.ts';
import { type StorageConfig, type StorageConfigInput, storageConfig } from './config.ts';
import { metadataNotNamed } from './errors.ts';
import { describeNode } from './registration/describe-node.ts';
import { storageNodeRegistrant } from './registration/storage-node-registrant.ts';
import { noOwners } from './upkeep/file-owners.ts';
import { metadataOwners } from './upkeep/metadata-owners.ts';

export interface StorageAddresses {
  /** Where to listen; port 0 picks a free one. Others reach the daemon by it. */
  readonly address: string;
  /** Where metadata is served, which a storage node is registered in, and which knows callers where access is controlled. */
  readonly metadataAddress?: string | readonly string[];
  /** Protects all of it: what is served, and the connections to metadata. */
  readonly transport?: Transport;
  /** How long calls may go on after the daemon was told to stop. */
  readonly drainTimeoutMs?: number;
  /** Of a storage daemon, where metadata controls access. */
  readonly token?: TokenSource;
  /** Who may call this daemon; absent: everybody who can connect. */
  readonly access?: AccessArguments;
}

export interface RunningStorage extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
  readonly storage: ComposedStorage;
  readonly registration?: Registration<metadata.StorageNode>;
}

/**
 * Serves a store, and makes it known as the storage node of its name when it has one.
 * @throws STORAGE_DIRECTORY_LOCKED, STORAGE_DIRECTORY_UNUSABLE, BAD_RESOURCE_ID, METADATA_NOT_NAMED, STORAGE_NODE_NAME_TAKEN, INSTALLATION_MISMATCH, ADDRESS_IN_USE, PLAINTEXT_REFUSED, and what reading certificates throws.
 */
export async function runStorage(
  input: StorageConfigInput,
  addresses: StorageAddresses,
  log: Logger,
  meter: Meter = noMeter,
): Promise<RunningStorage> {
  const config = storageConfig.parse(input);
  const { address, metadataAddress, transport = {}, token, drainTimeoutMs } = addresses;
  const draining = drainTimeoutMs === undefined ? {} : { drainTimeoutMs };
  const { access = {} } = addresses;
  if (config.name !== '') checkResourceId(config.name, 'Storage node');
  await using starting = new AsyncDisposableStack();
  const own = { transport, ...(token === undefined ? {} : { token }) };
  // Peers say by themselves where they are, so one could collect the tokens of others: they get no token.
  const connectTo = (peer: string) => connect(peer, { transport });
  const client =
    metadataAddress === undefined ? undefined : starting.use(connect(metadataAddress, own));
  const isNode = config.name !== '';
  if (client === undefined && (isNode || isControlled(access))) throw metadataNotNamed();
  const control =
    client === undefined ? {} : controlByMetadata(access, client, 'storage', starting);
  const owners = client === undefined || !isNode ? noOwners : metadataOwners(client, config.name);
  const storage = starting.use(await composeStorage(input, { log, meter, connectTo, owners }));
  const { services, daemon } = storage;
  const server = starting.use(
    await startServer({ address, transport, services, log, ...draining, ...control }),
  );
  const describe = () => describeNode(config.name, server.address, config, daemon);
  const registration =
    client === undefined || !isNode
      ? undefined
      : starting.use(await register(client, config, describe, log));
  const running = starting.move();
  return {
    address: server.address,
    storage,
    ...(registration === undefined ? {} : { registration }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function register(
  client: TesseraClient,
  { directory, leaseTtlMs: ttlMs, registrationIntervalMs: refreshIntervalMs }: StorageConfig,
  describe: () => Promise<metadata.StorageNode>,
  log: Logger,
): Promise<Registration<metadata.StorageNode>> {
  const registrant = storageNodeRegistrant(client, describe);
  return Registration.start({
    client,
    registrant,
    note: new InstallationNote(join(directory, 'installation')),
    clock: systemClock,
    log,
    ttlMs,
    refreshIntervalMs,
  });
}
