import { join } from 'node:path';
import { systemClock } from '@tessera/base';
import { connect, type TokenSource, type Transport } from '@tessera/client';
import {
  type AccessArguments,
  controlByMetadata,
  InstallationNote,
  type Logger,
  Registration,
  startServer,
} from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { composeHost } from './composition.ts';
import { type HostConfigInput, hostConfig } from './config.ts';
import { addressWildcard } from './errors.ts';
import { measureHost } from './metrics.ts';
import { hostRegistrant } from './registration/host-registrant.ts';

export interface HostAddresses {
  /** Where to listen; port 0 picks a free one. */
  readonly address: string;
  /** Where others reach it, `host:port`, when that is not `address`. */
  readonly advertise?: string;
  /** Where metadata is served: several that serve the same are a list, or have commas between them. */
  readonly metadataAddress: string | readonly string[];
  /** Protects both: what is served, and the connection to metadata. */
  readonly transport?: Transport;
  /** Of a host daemon, or of a user that may operate the platform, where metadata controls access. */
  readonly token?: TokenSource;
  /** Who may call this daemon; absent: everybody who can connect. */
  readonly access?: AccessArguments;
  /** How long calls may go on after the daemon was told to stop. */
  readonly drainTimeoutMs?: number;
  /** Absent: nothing is counted. */
  readonly meter?: Meter;
}

export interface RunningHost extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
  readonly registration: Registration<metadata.Host>;
}

/**
 * Keeps the processes of a directory, serves them, and makes the host known. Disposing lets go of the processes; they run on.
 * @throws HOST_DIRECTORY_LOCKED, HOST_FOLDER_OF_ANOTHER, HOST_NAME_TAKEN, HOST_JOINED_TWICE, INSTALLATION_MISMATCH, HOST_ADDRESS_WILDCARD, ADDRESS_IN_USE, PLAINTEXT_REFUSED, HOST_JOURNAL_CORRUPT, and what reading certificates throws.
 */
export async function runHost(
  input: HostConfigInput,
  addresses: HostAddresses,
  log: Logger,
): Promise<RunningHost> {
  const { address, advertise, metadataAddress, transport = {}, token, access = {} } = addresses;
  if (advertise === undefined && /^(0\.0\.0\.0|\[::\]):/.test(address))
    throw addressWildcard(address);
  const config = hostConfig.parse(input);
  await using starting = new AsyncDisposableStack();
  // Hosts say by themselves where they are, so one could collect the tokens of others: they get no token.
  const connectTo = (peer: string) => connect(peer, { transport });
  const connectOnceTo = (peer: string) => connect(peer, { transport, maxAttempts: 1 });
  const host = starting.use(await composeHost(input, { log, connectTo }));
  const client = starting.use(
    connect(metadataAddress, { transport, ...(token === undefined ? {} : { token }) }),
  );
  const control = controlByMetadata(access, client, 'host', starting);
  const { services } = host;
  const { drainTimeoutMs } = addresses;
  const draining = drainTimeoutMs === undefined ? {} : { drainTimeoutMs };
  const server = starting.use(
    await startServer({ address, transport, services, log, ...control, ...draining }),
  );
  const { leaseTtlMs, cutOffAfterMs, inventoryIntervalMs: refreshIntervalMs } = config;
  // So that several heartbeats may be lost before the host counts as cut off.
  const ttlMs = Math.min(leaseTtlMs, cutOffAfterMs);
  const describe = () => host.describe(advertise ?? server.address);
  const registrant = hostRegistrant(client, describe, connectOnceTo);
  const registration = starting.use(
    await Registration.start({
      client,
      registrant: { ...registrant, beginSession: host.beginSession },
      witness: host.contact,
      note: new InstallationNote(join(config.directory, 'installation')),
      clock: systemClock,
      log,
      ttlMs,
      refreshIntervalMs,
    }),
  );
  host.ownFolder();
  measureHost(addresses.meter ?? noMeter, {
    directory: config.directory,
    processes: host.processes,
    isRegistered: () => registration.isRegistered,
  });
  const running = starting.move();
  return {
    address: server.address,
    registration,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
