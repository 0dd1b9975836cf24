import { join } from 'node:path';
import { systemClock } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import {
  type Logger,
  SourceRegistry,
  silentLogger,
  startServer,
  startTelemetry,
} from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import { composeQuery, OnlyScanner } from '@tessera/query';
import { composeScheduler, schedulerDefaults } from '@tessera/scheduler';
import { composeStorage } from '@tessera/storage';
import type { Meter } from '@tessera/telemetry';
import { foldersOf, type PlatformConfig } from './config.ts';
import { controlAccess } from './control-access.ts';
import { ServiceDirectory } from './service-directory.ts';
import { SourceModelValidator } from './source-model-validator.ts';
import { warmUpReadySegments } from './warm-up.ts';

/** All daemons in this process, and what they serve. */
export interface Platform extends AsyncDisposable {
  /** host:port of the gRPC server. */
  readonly address: string;
  /** The same services without socket or serialisation. */
  readonly client: TesseraClient;
  /** host:port of `/metrics`, when metrics are served. */
  readonly metricsAddress?: string;
}

/** Where a test puts something between the daemons, such as a crash. */
export interface PlatformSeams {
  readonly meter?: Meter;
  readonly schedulerClients?: (client: TesseraClient) => TesseraClient;
}

/**
 * Starts metadata, storage, query and scheduler, bound to each other in process, and serves them over gRPC.
 * Everything durable is in the data directory: stopped and started again, all is there. Disposal stops in
 * reverse order.
 * @throws STORE_LOCKED when another process uses the directory, ADDRESS_IN_USE, PLAINTEXT_REFUSED,
 * and what reading certificates throws.
 */
export async function startPlatform(
  config: PlatformConfig,
  log: Logger = silentLogger,
  seams: PlatformSeams = {},
): Promise<Platform> {
  const folders = foldersOf(config.dataDirectory);
  await using starting = new AsyncDisposableStack();
  const telemetry = starting.use(await startTelemetry(config.telemetry, 'tessera'));
  const meter = seams.meter ?? telemetry.meter;
  const directory = new ServiceDirectory(log);
  const { client } = directory;
  const registry = starting.use(
    new SourceRegistry({
      log: log.child({ daemon: 'metadata' }),
      workDirectory: join(folders.work, 'metadata'),
      fallbackDirectory: import.meta.dirname,
    }),
  );
  const metadata = starting.use(
    await composeMetadata(
      {
        store: config.metadataStore ?? { driver: 'sqlite', file: folders.metadataFile },
        identityProviders: config.identityProviders,
      },
      {
        log: log.child({ daemon: 'metadata' }),
        meter,
        validator: new SourceModelValidator(client, registry),
      },
    ),
  );
  directory.add(metadata.services);
  const storage = starting.use(
    await composeStorage(
      { directory: folders.storage, memoryBudgetBytes: config.cuboidMemoryBytes },
      { log: log.child({ daemon: 'storage' }), meter },
    ),
  );
  directory.add(storage.services);
  const query = starting.use(
    await composeQuery(
      {
        ...config.query,
        workDirectory: join(folders.work, 'query'),
        duckdbMemoryBytes: config.queryMemoryBytes,
        pluginDirectory: import.meta.dirname,
      },
      {
        client,
        scanner: new OnlyScanner('in process', storage.scanner, systemClock),
        snapshots: storage.snapshots,
        log: log.child({ daemon: 'query' }),
        meter,
      },
    ),
  );
  directory.add(query.services);
  const scheduler = starting.use(
    await composeScheduler(
      {
        ...schedulerDefaults,
        ...config.scheduler,
        engine: config.engine,
        buildMemoryBytes: config.buildMemoryBytes,
        maintenanceIntervalMs: config.maintenanceIntervalMs,
        workDirectory: join(folders.work, 'scheduler'),
        pluginDirectory: import.meta.dirname,
      },
      {
        clients: seams.schedulerClients?.(client) ?? client,
        transport: config.transport,
        log: log.child({ daemon: 'scheduler' }),
        meter,
      },
    ),
  );
  directory.add(scheduler.services);
  const access =
    config.access === 'open' ? undefined : await controlAccess(metadata, config, starting);
  const server = starting.use(
    await startServer({
      address: config.address,
      transport: config.transport,
      services: directory.all,
      drainTimeoutMs: config.drainTimeoutMs,
      ...(access === undefined ? {} : { access }),
      log,
    }),
  );
  scheduler.start();
  const stopping = new AbortController();
  const warming = warmUpReadySegments(client, log, stopping.signal);
  starting.defer(async () => {
    stopping.abort();
    await warming;
  });
  const running = starting.move();
  return {
    address: server.address,
    client,
    ...(telemetry.metricsAddress === undefined ? {} : { metricsAddress: telemetry.metricsAddress }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
