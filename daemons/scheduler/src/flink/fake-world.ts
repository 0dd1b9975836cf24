import { Code, TesseraError } from '@tessera/base';
import { durationToProto, type TesseraClient } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import type { JobSummary, RunJar } from '@tessera/flink-rest';
import { flink, host as wire } from '@tessera/proto';
import type { ManualClock } from '@tessera/testkit';
import type { HostAccess, HostClient } from '../hosts/observe-hosts.ts';
import { variables } from '../hosts/process-spec.ts';
import type { Authority } from '../leader/authority.ts';
import { SchedulerFixture } from '../operations/scheduler-fixture.ts';
import { bundle, clusterOf, inventory } from './fixture.ts';
import type { FlinkRest } from './job-manager.ts';
import { type Memory, newMemory } from './memory.ts';
import { carryOutFlink } from './run-flink.ts';

const { PROCESS_STATE_RUNNING, PROCESS_STATE_STOPPED } = wire.ProcessState;

export const jobSpec = flink.FlinkJobSpec.fromPartial({
  cluster: 'flink-clusters/c',
  parallelism: 1,
  program: { $case: 'jar', value: { artifact: bundle } },
});

/** A host daemon whose processes start and end at once. */
export class FakeHost {
  readonly processes = new Map<string, wire.Process>();
  readonly artifacts = new Map([
    [bundle, wire.Artifact.fromPartial({ name: bundle, unpacked: true })],
  ]);
  /** Steps that it was told, oldest first. */
  readonly steps: string[] = [];
  #runs = 0;

  running(): wire.Process[] {
    return [...this.processes.values()].filter(({ state }) => state === PROCESS_STATE_RUNNING);
  }

  /** As the host daemon does when a program dies: it is started again. */
  restart(id: string): void {
    this.#put(id, { ...this.processes.get(id)!, run: ++this.#runs });
  }

  readonly client = {
    listProcesses: async () => ({ processes: [...this.processes.values()], nextPageToken: '' }),
    listArtifacts: async () => ({ artifacts: [...this.artifacts.values()], nextPageToken: '' }),
    pullArtifact: async () => wire.PullArtifactResponse.create(),
    startProcess: async ({ processId = '', spec }: wire.StartProcessRequest) => {
      this.steps.push(`start ${processId}`);
      const state = PROCESS_STATE_RUNNING;
      return this.#put(processId, { spec, state, run: ++this.#runs, pid: this.#runs });
    },
    stopProcess: async ({ name = '' }: wire.StopProcessRequest) => {
      const id = name.slice('processes/'.length);
      this.steps.push(`stop ${id}`);
      return this.#put(id, { ...this.processes.get(id)!, state: PROCESS_STATE_STOPPED });
    },
    deleteProcess: async ({ name = '' }: wire.DeleteProcessRequest) => {
      this.processes.delete(name.slice('processes/'.length));
      return {};
    },
    restoreFiles: async ({ name = '' }: wire.RestoreFilesRequest) => {
      const id = name.slice('processes/'.length);
      this.steps.push(`restore ${id}`);
      return this.#put(id, { ...this.processes.get(id)!, changedFiles: [] });
    },
  } as unknown as HostClient;

  #put(id: string, facts: Partial<wire.Process>): wire.Process {
    const known = wire.Process.fromPartial({ uid: id, ...facts, name: `processes/${id}` });
    this.processes.set(id, known);
    return known;
  }
}

/** What JobManagers answer that run on fake hosts. */
export class FakeFlink {
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  readonly jobs: JobSummary[] = [];
  isSilent = false;
  /** Programs of jobs of these parallelisms fail in their main method. */
  readonly refused = new Set<number>();
  /** Programs of jobs of this parallelism take until it is resolved. */
  readonly slow = { parallelism: 0, gate: Promise.withResolvers<void>() };
  readonly #hosts: ReadonlyMap<string, FakeHost>;

  constructor(hosts: ReadonlyMap<string, FakeHost>) {
    this.#hosts = hosts;
  }

  rest(url: string): FlinkRest {
    const running = () => [...this.#hosts.values()].flatMap((host) => host.running());
    const own = () =>
      running().find(
        ({ spec }) =>
          spec?.environment[variables.flinkRole] === 'jobmanager' &&
          `http://${spec.environment[variables.flinkRest]}` === url,
      );
    const answers =
      <T>(method: string, answer: () => T) =>
      async () => {
        this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
        if (own() === undefined || this.isSilent) throw failure('FLINK_UNREACHABLE');
        return answer();
      };
    return {
      jobManagerRun: answers('jobManagerRun', () => `run ${own()!.run}`),
      jobs: answers('jobs', () => this.jobs),
      taskManagers: answers('taskManagers', () =>
        running()
          .filter(({ spec }) => spec?.environment[variables.flinkRole] === 'taskmanager')
          .map(({ name }) => ({ id: name.slice('processes/'.length), ...free })),
      ),
      resourceRequirements: answers(
        'resourceRequirements',
        () => new Map([['v', { lowerBound: 1, upperBound: 1 }]]),
      ),
      checkpoints: answers('checkpoints', () => ({ completed: 5 })),
      metrics: answers('metrics', () => new Map([['numRestarts', 0]])),
      jars: answers('jars', () => [{ id: 'jar', name: `${digest}.jar`, uploadedAtMs: 0 }]),
      savepoint: answers('savepoint', () => undefined),
      cancel: answers('cancel', () => undefined),
      runJar: (run: RunJar) => this.#run(run),
      uploadJar: answers('uploadJar', () => 'jar'),
      stopWithSavepoint: answers('stopWithSavepoint', () => ''),
      setResourceRequirements: answers('setResourceRequirements', () => undefined),
    } as unknown as FlinkRest;
  }

  async #run({ jobId = '', parallelism = 0 }: RunJar): Promise<string> {
    if (this.refused.has(parallelism)) throw failure('FLINK_REFUSED');
    if (this.slow.parallelism === parallelism) await this.slow.gate.promise;
    const times = { startedAtMs: 1, endedAtMs: undefined, changedAtMs: 1 };
    this.jobs.push({ id: jobId, name: jobId, state: 'RUNNING', ...times });
    return jobId;
  }
}

/** Metadata, fake hosts and fake JobManagers; a look at all of it is taken when a test says so. */
export class FakeWorld implements AsyncDisposable {
  readonly hosts = new Map<string, FakeHost>();
  readonly flink = new FakeFlink(this.hosts);
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
      connectFlink: (url: string) => this.flink.rest(url),
    };
    await carryOutFlink(options, access, this.#memory, new AbortController().signal);
  }

  apply(change: Parameters<typeof clusterOf>[1] = {}, paused = false): Promise<flink.FlinkCluster> {
    const flinkCluster = { ...clusterOf('c', change), paused };
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

  status(): Promise<flink.FlinkClusterStatus> {
    return this.clients.flinkClusters.getFlinkClusterStatus({ name: 'flink-cluster-statuses/c' });
  }

  /** As an operator does who knows that nothing runs there any more. */
  async remove(id: string): Promise<void> {
    const { clients } = this.#fixture;
    const { fencingToken } = await clients.leases.getLease({ name: `leases/host-${id}` });
    await clients.leases.releaseLease({ name: `leases/host-${id}`, fencingToken });
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
    await clients.leases.acquireLease({ name: lease, holder: id, ttl: durationToProto(3_600_000) });
    const host = { name: `hosts/${id}`, machineId: id, address: `${id}:7450`, lease, inventory };
    await clients.hosts.createHost({ hostId: id, host });
    this.hosts.set(id, new FakeHost());
  }
}

const anybody: Authority = {
  fence: () => ({ lease: '', token: 0n, operation: '' }),
  over: new AbortController().signal,
  lose: () => {},
};

function failure(reason: string): TesseraError {
  return new TesseraError({ code: Code.UNAVAILABLE, reason, message: `It fails: ${reason}.` });
}

const digest = bundle.slice('artifacts/'.length);
const free = { slots: 1_000, freeSlots: 1_000, lastHeartbeatAtMs: 0 };
