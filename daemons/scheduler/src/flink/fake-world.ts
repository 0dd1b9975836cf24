import { durationToProto, type TesseraClient } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import type { Quota } from '@tessera/flink';
import { flink } from '@tessera/proto';
import type { ManualClock } from '@tessera/testkit';
import type { HostAccess } from '../hosts/observe-hosts.ts';
import { variables } from '../hosts/process-spec.ts';
import type { Authority } from '../leader/authority.ts';
import { SchedulerFixture } from '../operations/scheduler-fixture.ts';
import type { Strategies } from '../scaling/strategy-pool.ts';
import { FakeFlink } from './fake-flink.ts';
import { FakeHost } from './fake-host.ts';
import { bundle, clusterOf, inventory } from './fixture.ts';
import { type Memory, newMemory } from './memory.ts';
import { carryOutFlink } from './run-flink.ts';

export const jobSpec = flink.FlinkJobSpec.fromPartial({
  cluster: 'flink-clusters/c',
  parallelism: 1,
  program: { $case: 'jar', value: { artifact: bundle } },
});

/** Metadata, fake hosts and fake JobManagers; a look at all of it is taken when a test says so. */
export class FakeWorld implements AsyncDisposable {
  readonly hosts = new Map<string, FakeHost>();
  readonly flink = new FakeFlink(this.hosts, () => Number(this.clock.now() / 1000n));
  /** What clusters share that name it. */
  quotas: ReadonlyMap<string, Quota> = new Map();
  /** What jobs ask for their size. */
  strategies: Strategies = nobody;
  /** The file system that all hosts share. */
  readonly shared = new Map<string, string>();
  readonly #fixture: SchedulerFixture;
  #memory: Memory;

  private constructor(fixture: SchedulerFixture) {
    this.#fixture = fixture;
    this.#memory = newMemory(fixture.clock);
  }

  static async open(...hosts: readonly string[]): Promise<FakeWorld> {
    const world = new FakeWorld(await SchedulerFixture.open());
    for (const id of hosts) await world.#addHost(id);
    return world;
  }

  get clients(): TesseraClient {
    return this.#fixture.clients;
  }

  /** As another leader does, who remembers nothing. */
  forget(): void {
    this.#memory = newMemory(this.#fixture.clock);
  }

  async look(): Promise<void> {
    const { clients, clock } = this.#fixture;
    const access: HostAccess = {
      host: (address) => this.hosts.get(address.slice(0, address.indexOf(':')))!.client,
      isServing: async () => true,
    };
    const options = {
      ...{ clients, clock, log: silentLogger, intervalMs: 1, workDirectory: '' },
      authority: anybody,
      quotas: this.quotas,
      connectFlink: (url: string) => this.flink.rest(url),
      ...{ strategies: this.strategies, pluginDirectory: import.meta.dirname },
    };
    await carryOutFlink(options, access, this.#memory, new AbortController().signal);
  }

  apply(
    change: Parameters<typeof clusterOf>[1] = {},
    paused = false,
    id = 'c',
  ): Promise<flink.FlinkCluster> {
    const flinkCluster = { ...clusterOf(id, change), paused };
    return this.clients.flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
  }

  applyJob(id: string, change: Partial<flink.FlinkJobSpec> = {}): Promise<flink.FlinkJob> {
    const spec = { ...jobSpec, ...change };
    const flinkJob = { name: `flink-jobs/${id}`, spec };
    return this.clients.flinkJobs.updateFlinkJob({ flinkJob, allowMissing: true });
  }

  jobStatus(id: string): Promise<flink.FlinkJobStatus> {
    return this.clients.flinkJobs.getFlinkJobStatus({ name: `flink-job-statuses/${id}` });
  }

  get clock(): ManualClock {
    return this.#fixture.clock;
  }

  status(id = 'c'): Promise<flink.FlinkClusterStatus> {
    const name = `flink-cluster-statuses/${id}`;
    return this.clients.flinkClusters.getFlinkClusterStatus({ name });
  }

  /** As when its lease has run out, after it was taken in that session. */
  async cutOff(id: string, session: string): Promise<void> {
    const { clients } = this.#fixture;
    const host = { name: `hosts/${id}`, session };
    await clients.hosts.updateHost({ host, updateMask: ['session'] });
    await this.vanish(id);
  }

  /** As when nothing is heard of it; what it runs lives on. */
  async vanish(id: string): Promise<void> {
    const { leases } = this.#fixture.clients;
    const { fencingToken } = await leases.getLease({ name: `leases/host-${id}` });
    await leases.releaseLease({ name: `leases/host-${id}`, fencingToken });
  }

  /** As its daemon does when it is in touch again, which has ended what ran there. */
  async comeBack(id: string): Promise<void> {
    const { client, steps } = this.hosts.get(id)!;
    for (const { name } of this.hosts.get(id)!.running()) await client.stopProcess({ name });
    steps.length = 0;
    await this.appear(id);
  }

  async appear(id: string): Promise<void> {
    const name = `leases/host-${id}`;
    const ttl = durationToProto(3_600_000);
    await this.#fixture.clients.leases.acquireLease({ name, holder: id, ttl });
  }

  /** As an operator does who knows that nothing runs there any more. */
  async remove(id: string): Promise<void> {
    const { clients } = this.#fixture;
    await this.vanish(id);
    await clients.hosts.deleteHost({ name: `hosts/${id}` });
    this.hosts.delete(id);
  }

  /** Of the JobManager. */
  async restUrl(): Promise<string> {
    const all = [...this.hosts.values()].flatMap((host) => host.running());
    const found = all.find(({ spec }) => spec?.environment[variables.flinkRole] === 'jobmanager');
    return `http://${found!.spec!.environment[variables.flinkRest]}`;
  }

  /** Of all hosts, with their hosts. */
  running(): string[] {
    const found = [...this.hosts].flatMap(([id, host]) =>
      host.running().map(({ name }) => `${name.slice('processes/'.length)} on ${id}`),
    );
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fixture[Symbol.asyncDispose]();
  }

  async #addHost(id: string): Promise<void> {
    const { clients } = this.#fixture;
    const lease = `leases/host-${id}`;
    const cutOffAfter = durationToProto(30_000);
    const facts = { machineId: id, address: `${id}:7450`, lease, inventory };
    const host = { name: `hosts/${id}`, ...facts, session: 'first', cutOffAfter };
    await this.appear(id);
    await clients.hosts.createHost({ hostId: id, host });
    this.hosts.set(id, new FakeHost(this.shared));
  }
}

/** In tests that scale nothing. */
/** No job asks for its size. */
export const nobody: Strategies = {
  describe: async () => ({ version: '1', options: '{}' }),
  ask: async () => ({ kind: 'failed', code: 'STRATEGY_FAILED', message: 'There is none.' }),
  review: async ({ use: veto }) => ({ veto, answer: { allowed: true } }),
  keep: async () => {},
};

const anybody: Authority = {
  fence: () => ({ lease: '', token: 0n, operation: '' }),
  over: new AbortController().signal,
  lose: () => {},
};
