import { type Clock, systemClock } from '@tessera/base';
import { type ConnectOptions, listAll, type TesseraClient } from '@tessera/client';
import {
  type Logger,
  loadSqlParser,
  type ServiceBinding,
  serve,
  silentLogger,
} from '@tessera/daemon';
import { query } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { Admission } from './admission/admission.ts';
import { QueryLog } from './admission/query-log.ts';
import { replicatedStorage } from './broadcast/replicated-storage.ts';
import type { StorageClients } from './broadcast/storage-clients.ts';
import { Catalog } from './catalog/catalog.ts';
import { MetadataView } from './catalog/metadata-view.ts';
import { readExtent } from './catalog/read-extent.ts';
import { askVersion } from './catalog/source-versions.ts';
import { type QueryConfig, queryDefaults } from './config.ts';
import { Executor } from './execute/executor.ts';
import { type Answer, type QueryRequest, QueryRunner } from './execute/query-runner.ts';
import { SourceExecutor } from './execute/source-executor.ts';
import { StatementDatabases } from './execute/statement-databases.ts';
import { measureState, QueryMeasures } from './measure-queries.ts';
import { Planner } from './plan/planner.ts';
import { QueryHandler } from './service/query-handler.ts';

/** Without `scanner` and `snapshots`, stored data is read from the storage nodes that metadata names. */
export interface QueryDeps extends Partial<StorageClients> {
  /** Of its services those of metadata are used. */
  readonly client: TesseraClient;
  /** How storage nodes are connected to. */
  readonly nodeConnections?: ConnectOptions;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly meter?: Meter;
}

export interface QueryDaemon extends AsyncDisposable {
  readonly services: readonly ServiceBinding[];
  /** The same as the service's ExecuteQuery, as plain values and whole. */
  execute(request: QueryRequest, signal?: AbortSignal): Promise<Answer>;
  readonly queryLog: QueryLog;
}

/** Everything the query daemon is made of. Disposal stops the watches, the connectors and DuckDB. */
export async function composeQuery(
  settings: Partial<QueryConfig> & Pick<QueryConfig, 'workDirectory'>,
  deps: QueryDeps,
): Promise<QueryDaemon> {
  const config: QueryConfig = { ...queryDefaults, ...settings };
  const { client, log = silentLogger, clock = systemClock } = deps;
  const { meter = noMeter, nodeConnections = {} } = deps;
  await loadSqlParser();
  const stack = new AsyncDisposableStack();
  const databases = stack.use(await StatementDatabases.open(config));
  const metadata = stack.use(new MetadataView(client, clock, log));
  const { scanner, snapshots } = hasStorage(deps)
    ? deps
    : stack.use(replicatedStorage({ client, metadata, clock, log, nodeConnections }));
  const source = new SourceExecutor(databases, (opened, table, signal) =>
    askVersion(opened, table, config.versionTimeoutMs, signal),
  );
  const catalog = stack.use(
    new Catalog({
      metadata,
      options: config,
      clock,
      log,
      readExtent: (model, snapshot) => readExtent(model, snapshot, source, config.queryTimeoutMs),
    }),
  );
  const admission = new Admission(
    {
      maxRunning: config.maxRunningQueries,
      maxHeavy: config.maxHeavyQueries,
      heavyMs: config.heavyQueryMs,
      maxQueued: config.maxQueuedQueries,
      maxQueuedPerUser: config.maxQueuedPerUser,
      maxBytes: config.maxMemoryBytes,
      maxBytesPerStatement: config.maxQueryMemoryBytes,
    },
    clock,
  );
  measureState(meter, admission, metadata);
  const measures = new QueryMeasures(meter);
  const queryLog = new QueryLog(config.maxLoggedQueries, clock.now());
  const planner = new Planner(config.maxCachedPlans, clock);
  const executor = new Executor({ scanner, snapshots, source });
  const runner = new QueryRunner({
    ...{ admission, catalog, planner, executor, queryLog, measures, config, clock, log },
  });
  const previewTimeoutMs = config.queryTimeoutMs;
  const handler = new QueryHandler({
    ...{ runner, admission, planner, catalog, source, queryLog, previewTimeoutMs },
    policiesOf: async (project, signal) =>
      (await listAll(client, 'policies', { parent: `projects/${project}`, signal })).resources,
  });
  return {
    services: [serve(query.QueryServiceDefinition, handler) as unknown as ServiceBinding],
    execute: (request, signal) => runner.execute(request, signal),
    queryLog,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function hasStorage(deps: QueryDeps): deps is QueryDeps & StorageClients {
  return deps.scanner !== undefined && deps.snapshots !== undefined;
}
