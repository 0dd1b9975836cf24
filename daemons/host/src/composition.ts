import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, checkResourceId, systemClock } from '@tessera/base';
import { type Connection, connect, durationToProto } from '@tessera/client';
import {
  type Logger,
  pieceBytes,
  type ServiceBinding,
  serve,
  silentLogger,
  TokenBucket,
} from '@tessera/daemon';
import { metadata, host as wire } from '@tessera/proto';
import { ArtifactPulls } from './artifact/artifact-pulls.ts';
import { ArtifactReader } from './artifact/artifact-reader.ts';
import { ArtifactStore } from './artifact/artifact-store.ts';
import { PartialArtifacts } from './artifact/partial-artifacts.ts';
import { hostPeer } from './artifact/read-from-peers.ts';
import { UnpackedArtifacts } from './artifact/unpacked-artifacts.ts';
import { type HostConfig, type HostConfigInput, hostConfig } from './config.ts';
import { Contact } from './contact/contact.ts';
import { ContactWatch } from './contact/contact-watch.ts';
import { type InventoryOptions, readAvailability, readInventory } from './inventory/inventory.ts';
import { machineIdOf } from './inventory/machine-id.ts';
import { Journal } from './journal/journal.ts';
import { Probes } from './probe/probes.ts';
import { PortHolders } from './proc/held-ports.ts';
import { findLimitTools } from './process/limits.ts';
import { Processes } from './process/processes.ts';
import { WorkFiles } from './process/work-files.ts';
import { ownFolder, requireOwnFolder } from './registration/folder-owner.ts';
import { HostHandler } from './service/host-handler.ts';

export interface HostDependencies {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Of this daemon: what children inherit is taken from it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How other hosts are connected to, whose artifacts are read. */
  readonly connectTo?: (address: string) => Connection;
}

export interface ComposedHost extends AsyncDisposable {
  readonly services: readonly ServiceBinding[];
  readonly processes: Processes;
  /** To be told of heartbeats. */
  readonly contact: Contact;
  /** From then on it describes itself as being in another session. */
  beginSession(): void;
  /** What the host registers, once it is known where it is served. */
  describe(address: string): Promise<metadata.Host>;
  /** To be called once it is registered: from then on its folder is that of no other host. */
  ownFolder(): void;
}

/**
 * Everything the host daemon is made of. From here on its processes are kept; disposing lets go of them, and they run on.
 * @throws HOST_DIRECTORY_LOCKED, HOST_FOLDER_OF_ANOTHER, HOST_JOURNAL_CORRUPT, HOST_JOURNAL_FAILED, BAD_RESOURCE_ID.
 */
export async function composeHost(
  input: HostConfigInput,
  dependencies: HostDependencies = {},
): Promise<ComposedHost> {
  const config = hostConfig.parse(input);
  checkResourceId(config.name, 'host');
  const { clock = systemClock, log = silentLogger, environment = process.env } = dependencies;
  const { connectTo = (address: string) => connect(address) } = dependencies;
  const directory = resolve(config.directory);
  await using starting = new AsyncDisposableStack();
  const journal = starting.use(new Journal(directory));
  requireOwnFolder(journal, config.name);
  const artifacts = await ArtifactStore.open({
    folder: join(directory, 'artifacts'),
    journal,
    clock,
    maxBytes: config.maxArtifactBytes,
    maxUploads: config.maxUploads,
  });
  const { maxUnpackedBytes, maxReaders, uploadIdleTimeoutMs: idleTimeoutMs } = config;
  const unpackedFolder = join(directory, 'artifacts', 'unpacked');
  const unpacked = await UnpackedArtifacts.open({
    ...{ folder: unpackedFolder, artifacts, maxBytes: maxUnpackedBytes, clock },
  });
  const partials = await PartialArtifacts.open(join(directory, 'artifacts', 'pulls'), clock);
  const pace = () => paceOf(config, clock);
  const pulls = starting.use(
    new ArtifactPulls({
      ...{ artifacts, unpacked, partials, clock, log, idleTimeoutMs, ...pace() },
      ...{ maxBytes: config.maxArtifactBytes, maxPulls: config.maxPulls },
    }),
  );
  const rate = config.artifactBytesPerSecond || Number.POSITIVE_INFINITY;
  const reader = new ArtifactReader({
    ...{ artifacts, maxReaders, pieceBytes: pieceBytes(rate), ...pace() },
  });
  const tools = findLimitTools(environment['PATH'] ?? '');
  const folder = join(directory, 'processes');
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const { maxProcesses, uploadIdleTimeoutMs } = config;
  const workFiles = new WorkFiles({ artifacts, unpacked, clock });
  const contactFile = join(directory, 'contact');
  const { cutOffAfterMs } = config;
  const contact = starting.use(new Contact({ file: contactFile, cutOffAfterMs }));
  const surroundings = { folder, workFiles, tools, contactFile, environment };
  const isCutOff = () => contact.isCutOff;
  const processes = starting.use(
    new Processes({
      ...{ ...surroundings, journal, clock, log, maxProcesses, isCutOff },
      portHolders: new PortHolders(config.ports),
    }),
  );
  contact.onCutOff(() => processes.endCutOff());
  starting.use(new ContactWatch(contact, clock));
  const inventory: InventoryOptions = { directory, ports: config.ports, tools };
  const machineId = machineIdOf(journal);
  let session = randomUUID();
  const describe = async (address: string) =>
    metadata.Host.fromPartial({
      name: `hosts/${config.name}`,
      machineId,
      address,
      labels: config.labels,
      rack: config.rack,
      inventory: await readInventory(inventory),
      lease: `leases/host.${config.name}`,
      version,
      session,
      cutOffAfter: durationToProto(cutOffAfterMs),
    });
  const handler = new HostHandler({
    processes,
    artifacts,
    unpacked,
    pulls,
    reader,
    peerAt: (address) => hostPeer(address, connectTo),
    probes: new Probes(),
    journal,
    describe: () => describe(''),
    availability: () => readAvailability(inventory),
    uploadIdleTimeoutMs,
    clock,
  });
  const running = starting.move();
  return {
    processes,
    contact,
    beginSession: () => {
      session = randomUUID();
    },
    describe,
    ownFolder: () => ownFolder(journal, config.name),
    services: [serve(wire.HostServiceDefinition, handler) as unknown as ServiceBinding],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Each way has its own. */
function paceOf(
  { artifactBytesPerSecond: bytesPerSecond }: HostConfig,
  clock: Clock,
): { readonly bucket?: TokenBucket } {
  return bytesPerSecond === 0 ? {} : { bucket: new TokenBucket({ bytesPerSecond, clock }) };
}

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };
