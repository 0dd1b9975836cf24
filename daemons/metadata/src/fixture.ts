import { type Bind, clientsBy, connect, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger, startServer } from '@tessera/daemon';
import { flink, metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { composeMetadata, type MetadataDependencies } from './composition.ts';

/** A metadata daemon in memory with clients of it, for tests. */
export interface Fixture extends AsyncDisposable {
  readonly clients: TesseraClient;
  readonly clock: ManualClock;
}

export async function startFixture(
  binding: 'in process' | 'gRPC' = 'in process',
  dependencies: MetadataDependencies = {},
): Promise<Fixture> {
  const clock = new ManualClock();
  const daemon = await composeMetadata({ store: { driver: 'memory' } }, { clock, ...dependencies });
  const stack = new AsyncDisposableStack();
  stack.use(daemon);
  const clients =
    binding === 'gRPC'
      ? await overGrpc(daemon.services, stack)
      : clientsBy(inProcess(daemon.services));
  return { clients, clock, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export function inProcess(services: readonly ServiceBinding[]): Bind {
  return ((definition) => {
    const found = services.find((service) => service.definition === (definition as unknown));
    if (found === undefined) throw new Error(`${definition.fullName} is not served here`);
    return bindInProcess(found, silentLogger);
  }) as Bind;
}

async function overGrpc(
  services: readonly ServiceBinding[],
  stack: AsyncDisposableStack,
): Promise<TesseraClient> {
  const server = await startServer({ address: '127.0.0.1:0', services, log: silentLogger });
  stack.use(server);
  const connection = connect(server.address);
  stack.use(connection);
  return connection;
}

export const project = 'projects/demo';

/** A project with a source, a model of two lookups, and a cube of it by month. */
export async function seed({ projects, sources, models, cubes }: TesseraClient): Promise<void> {
  await projects.createProject({ projectId: 'demo' });
  await sources.createSource({
    parent: project,
    sourceId: 'files',
    source: { connector: '@tessera/connector-files', config: { tables: {} } },
  });
  await models.createModel({ parent: project, modelId: 'flights', model: { spec: modelSpec() } });
  await cubes.createCube({ parent: project, cubeId: 'flights', cube: { spec: cubeSpec() } });
}

export function modelSpec(changes: Partial<metadata.ModelSpec> = {}): metadata.ModelSpec {
  const { GRAIN_DAY, GRAIN_MONTH } = metadata.Grain;
  const { MEASURE_AGGREGATE_COUNT, MEASURE_AGGREGATE_SUM } = metadata.MeasureAggregate;
  return metadata.ModelSpec.fromPartial({
    fact: { source: 'files', table: 'flights', alias: 'f' },
    joins: [
      { table: 'airports', alias: 'origin', on: 'f.origin = origin.iata' },
      { table: 'airports', alias: 'destination', on: 'f.destination = destination.iata' },
    ],
    partition: { column: 'f.date', grain: GRAIN_MONTH },
    dimensions: [
      { name: 'day', column: 'f.date', grain: GRAIN_DAY },
      { name: 'origin', column: 'f.origin' },
      { name: 'origin_state', column: 'origin.state', derivedFrom: 'origin' },
    ],
    hierarchies: [{ names: ['origin_state', 'origin'] }],
    measures: [
      { name: 'flights', aggregate: MEASURE_AGGREGATE_COUNT },
      { name: 'delay', aggregate: MEASURE_AGGREGATE_SUM, column: 'f.delay' },
    ],
    ...changes,
  });
}

export function cubeSpec(changes: Partial<metadata.CubeSpec> = {}): metadata.CubeSpec {
  return metadata.CubeSpec.fromPartial({
    model: 'flights',
    groups: [{ include: ['day', 'origin'], mandatory: ['day'] }],
    segments: { every: metadata.Grain.GRAIN_MONTH },
    ...changes,
  });
}

export const cube = `${project}/cubes/flights`;

/** A segment over `[start, end)` days since 1970. */
export function segment(id: string, start: number, end: number, etag = ''): metadata.Segment {
  const day = 86_400_000_000n;
  const range = { startMicros: BigInt(start) * day, endMicros: BigInt(end) * day };
  return metadata.Segment.fromPartial({
    name: `${cube}/segments/${id}`,
    etag,
    range: { kind: { $case: 'range', value: range } },
    sourceRows: BigInt(end - start),
  });
}

const mib = 2n ** 20n;
export const artifact = `artifacts/${'a'.repeat(64)}`;

export function flinkClusterSpec(
  changes: Partial<flink.FlinkClusterSpec> = {},
): flink.FlinkClusterSpec {
  return {
    ...flink.FlinkClusterSpec.fromPartial({
      flinkVersion: '2.3.0',
      bundle: artifact,
      jobManager: { processBytes: 1_600n * mib },
      taskManagerSizing: {
        $case: 'taskManager',
        value: { processBytes: 2_048n * mib, slots: 2 },
      },
      taskManagerCount: 2,
      stateDirectory: 'file:///shared/flink',
    }),
    ...changes,
  };
}

export function flinkJobSpec(changes: Partial<flink.FlinkJobSpec> = {}): flink.FlinkJobSpec {
  return {
    ...flink.FlinkJobSpec.fromPartial({
      cluster: 'flink-clusters/orders',
      program: { $case: 'sql', value: { script: 'INSERT INTO sink SELECT * FROM source;' } },
      parallelism: 2,
    }),
    ...changes,
  };
}

/** All events of a watch until its mark of `revision`. */
export async function collectUntil<
  E extends { readonly event?: unknown; readonly revision: bigint },
>(events: AsyncIterable<E>, revision: bigint): Promise<E[]> {
  const seen: E[] = [];
  for await (const event of events) {
    if (event.event !== undefined) seen.push(event);
    else if (event.revision >= revision) break;
  }
  return seen;
}
