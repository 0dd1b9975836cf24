import { isTesseraError } from '@tessera/base';
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
import { Life, Network, type ServingHost, type World } from '@tessera/testkit/simulation';
import { Disks, fakeStorage } from './disk.ts';
import { fakeEngine } from './engine.ts';
import { remoteClients, remoteStore, type StoreHost, type Written } from './remote.ts';
import { FakeSource } from './source.ts';
import { nodeHostname, registerNode } from './storage-node.ts';

export const cube = 'projects/p/cubes/c';

export interface ClusterShape {
  readonly schedulers: number;
  readonly metadatas: number;
  /** Probability that a run of the engine does not hear that it should stop. */
  readonly deafness: number;
  /** Storage daemons that register as storage nodes; 0: one that does not. */
  readonly storageNodes: number;
}

/** Later than any call may arrive, with a pause of the daemon that it goes to. */
const graceMs = 12_000;

const config: SchedulerConfig = {
  ...schedulerDefaults,
  maxSegmentsPerPass: 2,
  maintenanceIntervalMs: 3_000,
  retiredGraceMs: graceMs,
  deploymentIntervalMs: 0,
  flinkIntervalMs: 0,
  replicaIntervalMs: 500,
  replicaCheckIntervalMs: 3_000,
  storageLostAfterMs: 6_000,
  publishReplicasMs: 20_000,
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
  readonly source = new FakeSource();
  readonly schedulers: readonly ServingHost[];
  readonly metadatas: readonly ServingHost[];
  readonly storages: readonly ServingHost[];
  readonly disks: Disks;
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
    this.storages = hosts('storage', shape.storageNodes || 1);
    this.disks = new Disks(this.storages.map(({ name }) => name));
    const joinsLater = shape.storageNodes > 0 ? this.storages.at(-1) : undefined;
    for (const host of this.hosts) if (host !== joinsLater) this.boot(host);
  }

  /** Those that may die. */
  get hosts(): readonly ServingHost[] {
    return [...this.metadatas, ...this.storages, ...this.schedulers];
  }

  get names(): readonly string[] {
    return [...this.hosts, this.#store].map(({ name }) => name);
  }

  /** Clients of somebody who is not part of the cluster. */
  clients(life: Life): TesseraClient {
    return remoteClients(this.network, life, (service) => this.#route(service));
  }

  /** Clients of one storage daemon, whose address is its name. */
  nodeClients(life: Life, address: string): TesseraClient {
    const host = this.storages.find(({ name }) => name === address)!;
    return remoteClients(this.network, life, () => host);
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
    if (this.storages.includes(host)) {
      const disk = this.disks.byName.get(host.name)!;
      const nowMs = () => this.world.nowMs;
      const readPeer = async (address: string, file: string) => {
        await this.nodeClients(life, address).storage.locateFiles({ files: [file] });
        return this.disks.byName.get(address)!.files.get(file)?.content;
      };
      const fake = await fakeStorage({ name: host.name, disk, nowMs, readPeer });
      host.client = inProcess([
        serve(storage.StorageServiceDefinition, fake.storage as never),
        serve(storage.TransferServiceDefinition, fake.transfers as never),
      ] as unknown as ServiceBinding[]);
      const holder = `${host.name}/${this.#lives++}`;
      if (this.#shape.storageNodes > 0) {
        void registerNode(this.clients(life), { name: host.name, holder, clock: life.clock });
      }
    } else if (this.metadatas.includes(host)) {
      const store = remoteStore(this.network, life, this.#store, this.#written);
      const compose = () =>
        composeMetadata(
          { store: { driver: 'memory' } },
          { clock: life.clock, store, newUid: newId },
        );
      const daemon = await startedAgain(compose, life);
      host.client = inProcess(daemon.services);
    } else {
      const { source, disks } = this;
      const { random } = this.world;
      const engine = fakeEngine({
        source,
        disks,
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
        hostname: nodeHostname,
        connectNode: (address) => this.nodeClients(life, address),
      });
      host.client = inProcess(scheduler.services);
      void scheduler.run(new AbortController().signal);
    }
  }

  #route(service: keyof TesseraClient): ServingHost {
    const { random } = this.world;
    if (service === 'storage') return this.storages[0]!;
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

/** What looks after a daemon starts it again while its store does not answer. */
async function startedAgain<T>(start: () => Promise<T>, life: Life): Promise<T> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!isTesseraError(error, 'UNAVAILABLE')) throw error;
      await life.clock.sleep(500);
    }
  }
}

function hosts(kind: string, count: number): ServingHost[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${kind}-${i}`,
    life: undefined,
    client: undefined,
  }));
}

function inProcess(bindings: readonly ServiceBinding[]): TesseraClient {
  const byName = new Map(bindings.map((one) => [nameOf(one.definition), one]));
  return clientsBy(
    (definition) => bindInProcess(byName.get(nameOf(definition))!, silentLogger) as never,
  );
}

/** A client may have a definition of its own of a service, that does more than what is served by. */
function nameOf(definition: unknown): string {
  return (definition as { readonly fullName: string }).fullName;
}
