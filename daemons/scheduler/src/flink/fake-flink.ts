import type {
  AggregatedMetric,
  JobDetails,
  JobSummary,
  JobVertex,
  ResourceRequirements,
  RunJar,
  Savepoint,
} from '@tessera/flink-rest';
import type { host as wire } from '@tessera/proto';
import { variables } from '../hosts/process-spec.ts';
import { failure } from './fake-failure.ts';
import type { FakeHost } from './fake-host.ts';
import { bundle } from './fixture.ts';
import type { FlinkRest } from './job-manager.ts';

/** A job with a source and a keyed vertex behind it, as a JobManager tells of it. */
interface FakeJob extends JobSummary {
  /** By vertex id. */
  readonly parallelism: Readonly<Record<string, number>>;
  readonly startedMs: number;
}

/** What tasks of a job have counted until a time, by vertex: metrics by name. Absent: they say nothing. */
export type Counted = (
  vertex: string,
  nowMs: number,
) => Readonly<Record<string, number>> | undefined;

/** What JobManagers answer that run on fake hosts. */
export class FakeFlink {
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  readonly jobs: FakeJob[] = [];
  /** Task slots of each TaskManager. */
  slotsEach = 1_000;
  /** Whatever jobs are submitted: metrics of their tasks. */
  counted: Counted = () => undefined;
  /** Checkpoints that each job has completed. */
  completed = 5;
  /** Refuses to change jobs in place. */
  isRigid = false;
  /** By id of the cluster: what those fail by that do not answer as one does. */
  readonly silent = new Map<string, string>();
  /** What it says of every savepoint. */
  savepoint: Savepoint | undefined;
  areTasksRunning = true;
  /** Of jobs that have failed. */
  failure = '';
  /** How often it has restarted each job, and what for. */
  restarts = 0;
  restartedBy: string | undefined;
  /** Programs of jobs of these parallelisms fail in their main method. */
  readonly refused = new Set<number>();
  /** Submissions of jobs of these parallelisms do not arrive. */
  readonly lost = new Set<number>();
  /** Programs of jobs of this parallelism take until it is resolved. */
  readonly slow = { parallelism: 0, gate: Promise.withResolvers<void>() };
  readonly #hosts: ReadonlyMap<string, FakeHost>;
  readonly #nowMs: () => number;

  constructor(hosts: ReadonlyMap<string, FakeHost>, nowMs: () => number) {
    this.#hosts = hosts;
    this.#nowMs = nowMs;
  }

  /** A job that was submitted, and runs. */
  addJob(id: string, parallelism: Readonly<Record<string, number>> = { source: 1, work: 1 }): void {
    const times = { startedAtMs: 1, endedAtMs: undefined, changedAtMs: 1 };
    const state = 'RUNNING';
    this.jobs.push({ id, name: id, state, ...times, parallelism, startedMs: this.#nowMs() });
  }

  jobOf(jobId: string): FakeJob {
    const job = this.jobs.find(({ id }) => id === jobId);
    if (job === undefined) throw failure('FLINK_NOT_FOUND');
    return job;
  }

  /** In place, as far as there are slots. */
  #resize(jobId: string, bounds: ReadonlyMap<string, { readonly upperBound: number }>): void {
    if (this.isRigid) throw failure('FLINK_REFUSED');
    const slots = this.#running('taskmanager').length * this.slotsEach;
    const parallelism = Object.fromEntries(
      [...bounds].map(([id, { upperBound }]) => [id, Math.min(slots, upperBound)]),
    );
    const job = { ...this.jobOf(jobId), parallelism, startedMs: this.#nowMs() };
    this.jobs.splice(this.jobs.indexOf(this.jobOf(jobId)), 1, job);
  }

  #running(role: string): wire.Process[] {
    const all = [...this.#hosts.values()].flatMap((host) => host.running());
    return all.filter(({ spec }) => spec?.environment[variables.flinkRole] === role);
  }

  /** Slots are taken from one TaskManager after the other, those of the highest numbers first. */
  #taskManagers() {
    let taken = this.jobs
      .filter(({ state }) => state === 'RUNNING')
      .reduce((sum, { parallelism }) => sum + Math.max(...Object.values(parallelism)), 0);
    const ids = this.#running('taskmanager').map(({ name }) => name.slice('processes/'.length));
    return ids.sort().map((id) => {
      const used = Math.min(taken, this.slotsEach);
      taken -= used;
      const freeSlots = this.slotsEach - used;
      return { id, slots: this.slotsEach, freeSlots, lastHeartbeatAtMs: 0 };
    });
  }

  #detailsOf(jobId: string): JobDetails {
    const { parallelism, startedMs, ...summary } = this.jobOf(jobId);
    const nowMs = this.#nowMs();
    const vertex = (id: string, inputs: JobVertex['inputs']): JobVertex => {
      const counted = this.counted(id, nowMs);
      const eachBusyMs = counted?.['accumulateBusyTimeMs'];
      return {
        ...{ id, name: id, parallelism: parallelism[id]!, maxParallelism: 24, inputs },
        ...{
          state: 'RUNNING',
          tasks: { RUNNING: this.areTasksRunning ? parallelism[id]! : 0 },
          startedAtMs: startedMs,
        },
        slotSharingGroupId: 'all',
        totals: {
          ...{ recordsIn: counted?.['in'], recordsOut: counted?.['out'] },
          busyMs: eachBusyMs === undefined ? undefined : eachBusyMs * parallelism[id]!,
          ...{ idleMs: undefined, backpressuredMs: undefined },
        },
      };
    };
    const keyed = [{ vertexId: 'source', shipStrategy: 'HASH' }];
    const vertices = [vertex('source', []), vertex('work', keyed)];
    return { ...summary, nowMs, reachedAtMs: {}, vertices };
  }

  #metricsOf(vertex: string): Map<string, AggregatedMetric> {
    const all = Object.entries(this.counted(vertex, this.#nowMs()) ?? {});
    return new Map(all.map(([name, sum]) => [name, { min: sum, max: sum, avg: sum, sum }]));
  }

  rest(url: string): FlinkRest {
    const own = () =>
      this.#running('jobmanager').find(
        ({ spec }) => `http://${spec!.environment[variables.flinkRest]}` === url,
      );
    const answers =
      <Given extends unknown[], T>(method: string, answer: (...given: Given) => T) =>
      async (...given: Given) => {
        this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
        const cluster = own()?.spec?.environment[variables.flinkCluster];
        if (cluster === undefined) throw failure('FLINK_UNREACHABLE');
        const silence = this.silent.get(cluster);
        if (silence !== undefined) throw failure(silence);
        return answer(...given);
      };
    return {
      jobManagerRun: answers('jobManagerRun', () => `run ${own()!.run}`),
      jobs: answers('jobs', () => this.jobs),
      taskManagers: answers('taskManagers', () => this.#taskManagers()),
      job: answers('job', (jobId: string) => this.#detailsOf(jobId)),
      resourceRequirements: answers('resourceRequirements', (jobId: string) => {
        const { parallelism } = this.jobOf(jobId);
        const bounds = Object.entries(parallelism).map(([id, upperBound]) => {
          return [id, { lowerBound: 1, upperBound }] as const;
        });
        return new Map(bounds);
      }),
      aggregatedMetricNames: answers('aggregatedMetricNames', ({ vertexId }: Vertex) => [
        ...this.#metricsOf(vertexId).keys(),
      ]),
      aggregatedMetrics: answers('aggregatedMetrics', ({ vertexId }: Vertex) =>
        this.#metricsOf(vertexId),
      ),
      triggerCheckpoint: answers('triggerCheckpoint', () => ''),
      checkpoints: answers('checkpoints', () => ({
        completed: this.completed,
        history: completedCheckpoints(this.completed),
      })),
      metrics: answers('metrics', () => new Map([['numRestarts', this.restarts]])),
      endedBy: answers('endedBy', () => this.failure),
      exceptions: answers('exceptions', () =>
        this.restartedBy === undefined ? [] : [exceptionOf(this.restartedBy)],
      ),
      jars: answers('jars', () => [{ id: 'jar', name: `${digest}.jar`, uploadedAtMs: 0 }]),
      savepoint: answers('savepoint', () => this.savepoint),
      triggerSavepoint: answers('triggerSavepoint', () => 'id'),
      cancel: answers('cancel', () => undefined),
      runJar: (run: RunJar) => this.#run(run),
      uploadJar: answers('uploadJar', () => 'jar'),
      stopWithSavepoint: answers('stopWithSavepoint', () => ''),
      setResourceRequirements: answers(
        'setResourceRequirements',
        (jobId: string, bounds: ResourceRequirements) => this.#resize(jobId, bounds),
      ),
    } as unknown as FlinkRest;
  }

  async #run({ jobId = '', parallelism = 0, configuration = {} }: RunJar): Promise<string> {
    this.calls.set(`runJar ${parallelism}`, (this.calls.get(`runJar ${parallelism}`) ?? 0) + 1);
    if (this.refused.has(parallelism)) throw failure('FLINK_REFUSED');
    if (this.lost.has(parallelism)) throw failure('FLINK_UNREACHABLE');
    if (this.slow.parallelism === parallelism) await this.slow.gate.promise;
    const key = 'pipeline.jobvertex-parallelism-overrides';
    const sized = configuration[key]?.split(',').map((one) => one.split(':')) ?? [];
    const own = sized.map(([id = '', subtasks]) => [id, Number(subtasks)]);
    const all = { source: parallelism, work: parallelism, ...Object.fromEntries(own) };
    this.addJob(jobId, all);
    return jobId;
  }
}

type Vertex = { readonly vertexId: string };

const digest = bundle.slice('artifacts/'.length);

const exceptionOf = (cause: string) => ({
  ...{ name: 'java.lang.Exception', stackTrace: cause, cause, atMs: 0 },
  ...{ taskName: undefined, taskManagerId: undefined },
});

/** The newest that a JobManager keeps, of so many. */
export function completedCheckpoints(count: number) {
  const kept = Math.min(10, count);
  return Array.from({ length: kept }, () => ({ status: 'COMPLETED', triggeredAtMs: 1 }) as const);
}
