import { type Clock, systemClock } from '@tessera/base';
import {
  type CuboidScanner,
  listAll,
  type SnapshotReader,
  type TesseraClient,
} from '@tessera/client';
import { type Logger, type ServiceBinding, serve, silentLogger } from '@tessera/daemon';
import { DuckDb, sessionSettings } from '@tessera/duckdb';
import { query } from '@tessera/proto';
import { loadParser } from '@tessera/sql';
import { type Meter, noMeter } from '@tessera/telemetry';
import { Admission } from './admission/admission.ts';
import { QueryLog } from './admission/query-log.ts';
import { Catalog } from './catalog/catalog.ts';
import { MetadataView } from './catalog/metadata-view.ts';
import { readExtent } from './catalog/read-extent.ts';
import { askVersion } from './catalog/source-versions.ts';
import { type QueryConfig, queryDefaults } from './config.ts';
import { Executor } from './execute/executor.ts';
import { type Answer, type QueryRequest, QueryRunner } from './execute/query-runner.ts';
import { SourceExecutor } from './execute/source-executor.ts';
import { measureState, QueryMeasures } from './measure-queries.ts';
import { Planner } from './plan/planner.ts';
import { QueryHandler } from './service/query-handler.ts';

export interface QueryDeps {
  /** Of its services those of metadata are used. */
  readonly client: TesseraClient;
  readonly scanner: CuboidScanner;
  readonly snapshots: SnapshotReader;
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
  const { client, scanner, snapshots, log = silentLogger, clock = systemClock } = deps;
  const { meter = noMeter } = deps;
  await loadParser();
  const stack = new AsyncDisposableStack();
  const duckdb = stack.use(await openDuckDb(config));
  const metadata = stack.use(new MetadataView(client, clock, log));
  const source = new SourceExecutor(duckdb, (opened, table, signal) =>
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
    { maxRunning: config.maxRunningQueries, maxQueued: config.maxQueuedQueries },
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

function openDuckDb(config: QueryConfig): Promise<DuckDb> {
  return DuckDb.open({
    memoryLimitBytes: config.duckdbMemoryBytes,
    threads: config.duckdbThreads,
    maxConcurrent: config.duckdbConnections,
    maxQueued: config.maxQueuedQueries,
    queueTimeoutMs: config.queryTimeoutMs,
    tempDirectory: `${config.workDirectory}/duckdb`,
    onConnect: sessionSettings('UTC'),
  });
}
