import { systemClock } from '@tessera/base';
import { connect, type TokenSource, type Transport } from '@tessera/client';
import { type AccessArguments, controlByMetadata, type Logger, startServer } from '@tessera/daemon';
import { type Meter, noMeter } from '@tessera/telemetry';
import { composeHost } from './composition.ts';
import { type HostConfigInput, hostConfig } from './config.ts';
import { addressWildcard } from './errors.ts';
import { measureHost } from './metrics.ts';
import { Registration } from './registration/registration.ts';

export interface HostAddresses {
  /** Where to listen; port 0 picks a free one. */
  readonly address: string;
  /** Where others reach it, `host:port`, when that is not `address`. */
  readonly advertise?: string;
  /** Where metadata is served. */
  readonly metadataAddress: string;
  /** Protects both: what is served, and the connection to metadata. */
  readonly transport?: Transport;
  /** Of a host daemon, or of a user that may operate the platform, where metadata controls access. */
  readonly token?: TokenSource;
  /** Who may call this daemon; absent: everybody who can connect. */
  readonly access?: AccessArguments;
  /** Absent: nothing is counted. */
  readonly meter?: Meter;
}

export interface RunningHost extends AsyncDisposable {
  /** host:port with the real port. */
  readonly address: string;
  readonly registration: Registration;
}

/**
 * Keeps the processes of a directory, serves them, and makes the host known. Disposing lets go of the processes; they run on.
 * @throws HOST_DIRECTORY_LOCKED, HOST_NAME_TAKEN, HOST_ADDRESS_WILDCARD, ADDRESS_IN_USE, PLAINTEXT_REFUSED, HOST_JOURNAL_CORRUPT, and what reading certificates throws.
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
  const host = starting.use(await composeHost(input, { log }));
  const client = starting.use(
    connect(metadataAddress, { transport, ...(token === undefined ? {} : { token }) }),
  );
  const control = controlByMetadata(access, client, 'host', starting);
  const { services } = host;
  const server = starting.use(await startServer({ address, transport, services, log, ...control }));
  const { leaseTtlMs: ttlMs, inventoryIntervalMs } = config;
  const describe = () => host.describe(advertise ?? server.address);
  const registration = starting.use(
    await Registration.start({
      client,
      describe,
      clock: systemClock,
      log,
      ttlMs,
      inventoryIntervalMs,
    }),
  );
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
