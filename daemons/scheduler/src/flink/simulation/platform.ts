import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { composeMetadata } from '@tessera/metadata';
import {
  Life,
  Network,
  remoteClients,
  type ServingHost,
  type World,
} from '@tessera/testkit/simulation';
import { schedulerDefaults } from '../../config.ts';
import type { HostAccess } from '../../hosts/observe-hosts.ts';
import { variables } from '../../hosts/process-spec.ts';
import { actingClients } from '../../leader/acting-clients.ts';
import { Leadership } from '../../leader/leadership.ts';
import type { Term } from '../../leader/term.ts';
import { newMemory } from '../memory.ts';
import { carryOutFlink } from '../run-flink.ts';
import { isJobManager, JobManagers, type Submission } from './job-managers.ts';
import { Machine, type Running } from './machine.ts';
import { besideAnother, isAlone } from './one-job-manager.ts';
import { oversized } from './users.ts';
import { Wants } from './wants.ts';

/** By how much the clock of a scheduler is off at most. */
export const clockOffsetMs = 120_000;

/**
 * Metadata, two schedulers, and machines with what runs on them, over one simulated network. Metadata is always there, but not always reached; everything else may die.
 */
export class Platform {
  readonly world: World;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly jobManagers: JobManagers;
  readonly wants: Wants;
  readonly schedulers: readonly ServingHost[];
  /** Of somebody whom no fault keeps from metadata. */
  readonly clients: TesseraClient;
  /** Nothing has gone wrong for so long that everything is seen as it is. */
  isCalm = false;
  /** Terms that were begun. */
  terms = 0;
  readonly #metadata: ServingHost;
  /** Between two looks. */
  readonly #intervalMs: number;
  #lives = 0;

  static async start(world: World, machines: number): Promise<Platform> {
    const life = new Life('metadata', world, 0);
    let ids = 0;
    const { services } = await composeMetadata(
      { store: { driver: 'memory' } },
      { clock: life.clock, newUid: () => `id-${ids++}` },
    );
    const byDefinition = new Map<unknown, (typeof services)[number]>(
      services.map((service) => [service.definition, service]),
    );
    const clients = clientsBy(
      (definition) => bindInProcess(byDefinition.get(definition)!, silentLogger) as never,
    );
    return new Platform(world, { name: 'metadata', life, client: clients }, clients, machines);
  }

  private constructor(world: World, metadata: ServingHost, clients: TesseraClient, count: number) {
    this.world = world;
    this.network = new Network(world);
    this.clients = clients;
    this.#metadata = metadata;
    this.wants = new Wants(world);
    this.#intervalMs = world.random.pick([1_500, 3_000, 6_000]);
    const directories = new Map<string, string>();
    this.machines = Array.from(
      { length: count },
      (_, i) => new Machine(`m${i}`, world, directories, (life) => this.#remote(life)),
    );
    this.jobManagers = new JobManagers(world, this.network, this.machines);
    this.jobManagers.onSubmit = (submission) => this.#requireJournaled(submission);
    for (const machine of this.machines) {
      machine.onStart = (process) => this.#requireWanted(machine, process);
      machine.onStop = (process) => this.#requireIdle(process);
    }
    this.schedulers = ['s0', 's1'].map((name) => ({ name, life: undefined, client: undefined }));
    for (const scheduler of this.schedulers) this.boot(scheduler);
  }

  get names(): readonly string[] {
    return [...this.machines, ...this.schedulers, this.#metadata].map(({ name }) => name);
  }

  boot(scheduler: ServingHost): void {
    if (scheduler.life !== undefined) return;
    const { random } = this.world;
    const life = new Life(
      scheduler.name,
      this.world,
      random.integer(-clockOffsetMs, clockOffsetMs),
    );
    scheduler.life = life;
    const leadership = new Leadership({
      ...{ leases: this.#remote(life).leases, clock: life.clock, log: silentLogger },
      ...{ holder: `${scheduler.name}/${this.#lives++}`, ttlMs: schedulerDefaults.leaseTtlMs },
    });
    const never = new AbortController().signal;
    const begin = () => void leadership.run((term) => this.#lead(life, term), never);
    this.world.after(random.integer(1, 500), begin, life);
  }

  crash(scheduler: ServingHost): void {
    scheduler.life?.end();
    scheduler.life = undefined;
  }

  async #lead(life: Life, term: Term): Promise<void> {
    this.terms++;
    const { clock } = life;
    const intervalMs = this.#intervalMs;
    const memory = newMemory(clock);
    const options = {
      ...{ clients: actingClients(this.#remote(life), term), authority: term, clock },
      ...{ log: silentLogger, intervalMs, quotas: new Map(), workDirectory: '/nowhere' },
      connectFlink: (url: string) => this.jobManagers.connect(life, url),
      ...{ strategies: this.wants, pluginDirectory: '/nowhere' },
      states: this.jobManagers.states,
    };
    const access = this.#access(life, term);
    while (!term.signal.aborted) {
      await carryOutFlink(options, access, memory, term.signal).catch(() => {});
      await clock.sleep(intervalMs, term.signal).catch(() => {});
    }
    await memory.underWay.settled();
  }

  #access(life: Life, term: Term): HostAccess {
    const hosts = new Map(
      this.machines.map(({ name, daemon }) => {
        const clients = remoteClients(this.network, life, { route: () => daemon });
        return [`${name}:7450`, actingClients(clients, term).host];
      }),
    );
    return { host: (address) => hosts.get(address)!, isServing: async () => true };
  }

  #remote(life: Life): TesseraClient {
    return remoteClients(this.network, life, { route: () => this.#metadata });
  }

  /** No JobManager is started beside another one, and nothing of a cluster that does not find room for all of it. */
  async #requireWanted(machine: Machine, process: Running): Promise<void> {
    const { violations } = this.jobManagers;
    if (process.spec.environment[variables.flinkCluster] === oversized) {
      violations.push(`${process.id} was started, and there is no room for its whole cluster`);
    }
    const { flinkClusterStatuses } = await this.clients.flinkClusters.listFlinkClusterStatuses({});
    const start = { machine, process, nowMs: this.world.nowMs };
    const wrong = besideAnother(start, this.machines, flinkClusterStatuses);
    if (wrong !== undefined) violations.push(wrong);
  }

  /** A JobManager that everybody sees is stopped only when its jobs were stopped with their state. */
  #requireIdle(process: Running): void {
    if (!this.isCalm || !isJobManager(process) || !isAlone(process, this.machines)) return;
    const [job] = this.jobManagers.aliveOn(process);
    if (job === undefined) return;
    this.jobManagers.violations.push(`${process.id} was stopped while ${job.id} ran on it`);
  }

  /** An attempt is written down before it is submitted, with the size that it begins with. */
  async #requireJournaled({ jobId, subtasks }: Submission): Promise<void> {
    const { violations } = this.jobManagers;
    const { flinkJobStatuses } = await this.clients.flinkJobs.listFlinkJobStatuses({});
    const status = flinkJobStatuses.find(({ deployed }) => deployed?.jobId === jobId);
    if (status === undefined) {
      violations.push(`${jobId} was submitted, but not written down`);
      return;
    }
    const wanted = status.size?.slots ?? status.deployed?.spec?.parallelism;
    if (subtasks !== wanted) violations.push(`${jobId} begins with ${subtasks}, not ${wanted}`);
  }
}
