import { clientsBy, type TesseraClient } from '@tessera/client';
import {
  bindInProcess,
  type ServiceBinding,
  type SourceDescription,
  serve,
  silentLogger,
} from '@tessera/daemon';
import { composeMetadata, MemoryHistory, openMemoryStore } from '@tessera/metadata';
import { metadata, storage } from '@tessera/proto';
import { assembleScheduler, type SchedulerConfig, schedulerDefaults } from '@tessera/scheduler';
import { Life, Network, type World } from '@tessera/testkit/simulation';
import { Disk, fakeStorage } from './disk.ts';
import { fakeEngine } from './engine.ts';
import {
  remoteClients,
  remoteStore,
  type ServingHost,
  type StoreHost,
  type Written,
} from './remote.ts';
import { FakeSource } from './source.ts';

export const cube = 'projects/p/cubes/c';

export interface ClusterShape {
  readonly schedulers: number;
  readonly metadatas: number;
  /** Probability that a run of the engine does not hear that it should stop. */
  readonly deafness: number;
}

/** Later than any call may arrive, with a pause of the daemon that it goes to. */
const graceMs = 12_000;

const config: SchedulerConfig = {
  ...schedulerDefaults,
  maxSegmentsPerPass: 2,
  maintenanceIntervalMs: 3_000,
  retiredGraceMs: graceMs,
  deploymentIntervalMs: 0,
  workDirectory: '/nowhere',
};

/**
 * The real metadata daemons and schedulers, apart from each other, over one store in memory, one simulated network and a
 * store of cuboids that keeps what it is given. The store is always there; everything else may die.
 */
export class Cluster {
  readonly world: World;
  readonly network: Network;
  readonly history = new MemoryHistory();
  readonly disk = new Disk();
  readonly source = new FakeSource();
  readonly schedulers: readonly ServingHost[];
  readonly metadatas: readonly ServingHost[];
  readonly storage: ServingHost;
  readonly #shape: ClusterShape;
  readonly #store: StoreHost;
  readonly #written: Written;
  #lives = 0;
  #ids = 0;

  static async start(world: World, shape: ClusterShape, written: Written): Promise<Cluster> {
    const life = new Life('store', world, 0);
    const history = new MemoryHistory();
    const store = await openMemoryStore(life.clock, history);
    return new Cluster(world, shape, { name: 'store', life, store }, history, written);
  }

  private constructor(
    world: World,
    shape: ClusterShape,
    store: StoreHost,
    history: MemoryHistory,
    written: Written,
  ) {
    this.world = world;
    this.network = new Network(world);
    this.history = history;
    this.#shape = shape;
    this.#store = store;
    this.#written = written;
    this.schedulers = hosts('scheduler', shape.schedulers);
    this.metadatas = hosts('metadata', shape.metadatas);
    this.storage = { name: 'storage', life: undefined, client: undefined };
    for (const host of this.hosts) this.boot(host);
  }

  /** Those that may die. */
  get hosts(): readonly ServingHost[] {
    return [...this.metadatas, this.storage, ...this.schedulers];
  }

  get names(): readonly string[] {
    return [...this.hosts, this.#store].map(({ name }) => name);
  }

  /** Clients of somebody who is not part of the cluster. */
  clients(life: Life): TesseraClient {
    return remoteClients(this.network, life, (service) => this.#route(service));
  }

  /** A new life, unless there is one. */
  boot(host: ServingHost): void {
    if (host.life !== undefined) return;
    const { world } = this;
    const skewMs = world.random.integer(-120_000, 120_000);
    const life = new Life(host.name, world, skewMs);
    host.life = life;
    world.after(world.random.integer(1, 500), () => void this.#begin(host, life), life);
  }

  crash(host: ServingHost): void {
    host.life?.end();
    host.life = undefined;
    host.client = undefined;
  }

  async #begin(host: ServingHost, life: Life): Promise<void> {
    const newId = () => `id-${this.#ids++}`;
    if (host === this.storage) {
      const implementation = await fakeStorage(this.disk, () => this.world.nowMs);
      const binding = serve(storage.StorageServiceDefinition, implementation as never);
      host.client = inProcess([binding as unknown as ServiceBinding]);
    } else if (this.metadatas.includes(host)) {
      const store = remoteStore(this.network, life, this.#store, this.#written);
      const daemon = await composeMetadata(
        { store: { driver: 'memory' } },
        { clock: life.clock, store, newUid: newId },
      );
      host.client = inProcess(daemon.services);
    } else {
      const { source, disk } = this;
      const { random } = this.world;
      const engine = fakeEngine({
        source,
        disk,
        clock: life.clock,
        random,
        deafness: this.#shape.deafness,
      });
      const { connector, tables } = source;
      const open = async (description: SourceDescription) => ({ description, connector, tables });
      const scheduler = assembleScheduler({
        clients: this.clients(life),
        registry: { open, refresh: open },
        engine: async () => engine,
        config,
        clock: life.clock,
        log: silentLogger,
        holder: `${host.name}/${this.#lives++}`,
        newId,
      });
      host.client = inProcess(scheduler.services);
      void scheduler.run(new AbortController().signal);
    }
  }

  #route(service: keyof TesseraClient): ServingHost {
    const { random } = this.world;
    if (service === 'storage') return this.storage;
    const isScheduler = service === 'builds' || service === 'operations';
    return random.pick(isScheduler ? this.schedulers : this.metadatas);
  }
}

/** What users of the cluster wrote before anything went wrong. */
export async function seedResources({ projects, sources, models, cubes }: TesseraClient) {
  await projects.createProject({ projectId: 'p' });
  const parent = 'projects/p';
  await sources.createSource({ parent, sourceId: 's', source: { connector: 'fake' } });
  const { GRAIN_MONTH } = metadata.Grain;
  const spec = metadata.ModelSpec.fromPartial({
    fact: { source: 's', table: 't', alias: 'f' },
    partition: { column: 'f.d', grain: GRAIN_MONTH },
    dimensions: [{ name: 'month', column: 'f.d', grain: GRAIN_MONTH }],
    measures: [{ name: 'n', aggregate: metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT }],
  });
  await models.createModel({ parent, modelId: 'm', model: { spec } });
  const cubeSpec = metadata.CubeSpec.fromPartial({
    model: 'm',
    groups: [{ include: ['month'], mandatory: ['month'] }],
    segments: { every: GRAIN_MONTH },
  });
  await cubes.createCube({ parent, cubeId: 'c', cube: { spec: cubeSpec } });
}

function hosts(kind: string, count: number): ServingHost[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${kind}-${i}`,
    life: undefined,
    client: undefined,
  }));
}

function inProcess(bindings: readonly ServiceBinding[]): TesseraClient {
  const byDefinition = new Map(bindings.map((one) => [one.definition as unknown, one]));
  return clientsBy(
    (definition) => bindInProcess(byDefinition.get(definition)!, silentLogger) as never,
  );
}
