import { Code, TesseraError } from '@tessera/base';
import type { ObservedJob, StatePoint } from '@tessera/flink';
import type { ResourceRequirements, RunJar } from '@tessera/flink-rest';
import { host as wire } from '@tessera/proto';
import type { Life, Network, World } from '@tessera/testkit/simulation';
import { variables } from '../../hosts/process-spec.ts';
import { completedCheckpoints } from '../fake-flink.ts';
import { bundle } from '../fixture.ts';
import type { FlinkRest } from '../job-manager.ts';
import {
  type AskedSavepoint,
  type Attempt,
  detailsOf,
  isAlive,
  type JobManager,
  known,
  metricsOf,
  nameOf,
  sizeOf,
  slotsEach,
  summaryOf,
  usedSlots,
  widthOf,
} from './attempt.ts';
import type { Machine, Running } from './machine.ts';
import { refusal } from './machine.ts';

interface Stored extends StatePoint {
  readonly jobId: string;
  readonly progress: number;
}

export interface Submission {
  readonly jobId: string;
  /** That its only vertex begins with. */
  readonly subtasks: number;
}

/** From the start of a program until it answers, or registers. */
const startMs = 3_000;
const turnMs = 1_000;
/** Records in each turn. */
const incoming = 1_000;

/**
 * JobManagers and TaskManagers as they run on machines, their jobs, the state directory and the sinks. It knows what Flink promises about ids of jobs, checkpoints and savepoints, and records what must never happen.
 */
export class JobManagers {
  readonly violations: string[] = [];
  /** What the sink of each job has seen: all records up to here, exactly once. */
  readonly committed = new Map<string, number>();
  /** Paths of savepoints that were asked for while a job went on. */
  readonly requestedSavepoints = new Set<string>();
  /** Subtasks from which on a job does less than with fewer, by its name. */
  readonly crowdedFrom = new Map<string, number>();
  /** Names of jobs that were that wide. */
  readonly crowded = new Set<string>();
  isDirectoryReadable = true;
  /** Whether savepoints, tasks and jobs fail by themselves. */
  isUnlucky = true;
  /** Told of each submission before it is taken. */
  onSubmit: (submission: Submission) => Promise<void> = async () => {};
  readonly #world: World;
  readonly #network: Network;
  readonly #machines: readonly Machine[];
  /** Of the run of each process. */
  #known = new Map<Running, JobManager>();
  readonly #stored: Stored[] = [];
  /** By id of the attempt. */
  readonly #ends = new Map<string, 'FAILED' | 'CANCELED' | 'FINISHED'>();
  /** Steps that were refused the first time. */
  readonly #hesitated = new Set<string>();
  #lastId = 0;

  constructor(world: World, network: Network, machines: readonly Machine[]) {
    this.#world = world;
    this.#network = network;
    this.#machines = machines;
    const turn = () => {
      this.#turn();
      world.after(turnMs, turn);
    };
    world.after(turnMs, turn);
  }

  /** Attempts that have not ended, wherever they run, whoever sees them. */
  alive(): Attempt[] {
    return this.#running().flatMap(({ attempts }) => [...attempts.values()].filter(isAlive));
  }

  /** Attempts that have not ended on one run of a JobManager. */
  aliveOn(process: Running): Attempt[] {
    return [...(this.#known.get(process)?.attempts.values() ?? [])].filter(isAlive);
  }

  /** Attempts that have not ended and share slots with one that has not. */
  sharing(attempt: Attempt): Attempt[] {
    const on = this.#running().find(({ attempts }) => attempts.get(attempt.id) === attempt);
    return on === undefined ? [] : this.aliveOn(on.process);
  }

  /** The state directory, and what JobManagers have written there of jobs that have ended. */
  readonly states = {
    newestState: async (_: string, jobId: string): Promise<ObservedJob['newestState']> => {
      if (!this.isDirectoryReadable) return 'unknown';
      const newest = this.#stored.filter((state) => state.jobId === jobId).at(-1);
      return newest === undefined
        ? 'none'
        : { kind: newest.kind, path: newest.path, id: newest.id };
    },
    archivedEnd: async (_: string, jobId: string) =>
      this.isDirectoryReadable ? this.#ends.get(jobId) : ('unknown' as const),
    deleteEnds: async (_: string, jobIds: ReadonlySet<string>) => {
      for (const jobId of jobIds) this.#ends.delete(jobId);
    },
  };

  /** The interface of a JobManager at a URL, as one life reaches it. */
  connect(from: Life, url: string): FlinkRest {
    const { hostname } = new URL(url);
    const machine = this.#machines.find(({ name }) => name === hostname)!;
    const call = <T>(answer: (jobManager: JobManager) => T | Promise<T>): Promise<T> => {
      // A connection is one to a process: what was sent to one never comes to the next.
      const before = this.#at(machine, url);
      const to = { name: machine.name, life: machine.power };
      return this.#network.call(
        from,
        to,
        async () => {
          const there = this.#at(machine, url);
          if (there === undefined || there !== before) throw unreachable(url);
          return answer(there);
        },
        undefined,
      );
    };
    return {
      jobManagerRun: () => call(({ process }) => `${machine.name}/${process.run}`),
      jobs: () => call(({ attempts }) => [...attempts.values()].map(summaryOf)),
      taskManagers: () => call((jobManager) => this.#taskManagersOf(jobManager)),
      resourceRequirements: (jobId: string) =>
        call((jobManager) => {
          const { upperBound } = known(jobManager, jobId);
          return new Map([['v', { lowerBound: 1, upperBound }]]);
        }),
      checkpoints: (jobId: string) =>
        call((jobManager) => {
          const { checkpoints, unbroken } = known(jobManager, jobId);
          return { completed: checkpoints, history: completedCheckpoints(unbroken) };
        }),
      metrics: ({ jobId }: { jobId: string }) =>
        call((jobManager) => new Map([['numRestarts', known(jobManager, jobId).restarts]])),
      job: (jobId: string) =>
        call((jobManager) => detailsOf(known(jobManager, jobId), this.#world.nowMs)),
      aggregatedMetricNames: ({ jobId }: { jobId: string }) =>
        call((jobManager) => [...metricsOf(known(jobManager, jobId), this.#world.nowMs).keys()]),
      aggregatedMetrics: ({ jobId }: { jobId: string }) =>
        call((jobManager) => metricsOf(known(jobManager, jobId), this.#world.nowMs)),
      endedBy: (jobId: string) =>
        call((jobManager) =>
          known(jobManager, jobId).state === 'FAILED' ? 'It failed.' : undefined,
        ),
      exceptions: () => call(() => []),
      jars: () => call(() => [{ id: 'jar', name: jarName, uploadedAtMs: 0 }]),
      savepoint: ({ triggerId }: { triggerId: string }) =>
        call(({ savepoints }) => savepoints.get(triggerId)),
      cancel: (jobId: string) =>
        call((jobManager) => {
          const attempt = known(jobManager, jobId);
          this.#hesitate(`cancel ${jobId}`);
          if (isAlive(attempt)) attempt.state = 'CANCELLING';
        }),
      runJar: (run: RunJar) => call((jobManager) => this.#submit(jobManager, run)),
      stopWithSavepoint: (
        jobId: string,
        { triggerId, targetDirectory }: { triggerId: string; targetDirectory: string },
      ) =>
        call((jobManager) => {
          this.#hesitate(triggerId);
          this.#beginStop(jobManager, jobId, { triggerId, folder: targetDirectory });
          return triggerId;
        }),
      triggerSavepoint: (
        jobId: string,
        { triggerId, targetDirectory }: { triggerId: string; targetDirectory: string },
      ) =>
        call((jobManager) => {
          this.#hesitate(triggerId);
          this.#beginSavepoint(jobManager, jobId, { triggerId, folder: targetDirectory });
          return triggerId;
        }),
      triggerCheckpoint: () => call(() => ''),
      setResourceRequirements: (jobId: string, requirements: ResourceRequirements) =>
        call((jobManager) => {
          const { upperBound } = requirements.get('v')!;
          this.#hesitate(`rescale ${jobId} ${upperBound}`);
          known(jobManager, jobId).upperBound = upperBound;
        }),
    } as unknown as FlinkRest;
  }

  /** All that run, in whatever state: also those that nobody reaches. */
  #running(): JobManager[] {
    const found = this.#machines.flatMap((machine) =>
      machine.alive().flatMap((process) => {
        if (!isJobManager(process)) return [];
        const before = this.#known.get(process);
        return [before ?? { machine, process, attempts: new Map(), savepoints: new Map() }];
      }),
    );
    this.#known = new Map(found.map((one) => [one.process, one]));
    return found;
  }

  #at(machine: Machine, url: string): JobManager | undefined {
    return this.#running().find(({ machine: on, process }) => {
      const isThere = on === machine && restOf(process) === url.slice('http://'.length);
      return isThere && this.#world.nowMs - process.startedMs >= startMs;
    });
  }

  /** Those that were given its address, and reach it. */
  #registered({ machine, process }: JobManager): Running[] {
    const address = addressIn(process);
    return this.#machines.flatMap((other) => {
      if (this.#network.isCut(machine.name, other.name)) return [];
      return other.alive().filter((one) => {
        const isReady = this.#world.nowMs - one.startedMs >= startMs;
        return roleOf(one) === 'taskmanager' && isReady && addressIn(one) === address;
      });
    });
  }

  #taskManagersOf(jobManager: JobManager) {
    return this.#registered(jobManager).map((process) => {
      const freeSlots = slotsEach - usedSlots(jobManager, process);
      return { id: process.id, slots: slotsEach, freeSlots, lastHeartbeatAtMs: 0 };
    }) as never;
  }

  async #submit(jobManager: JobManager, run: RunJar): Promise<string> {
    const { jobId = '', configuration = {}, programArguments = [], savepointPath } = run;
    if (jobManager.attempts.has(jobId)) throw refusal('FLINK_JOB_EXISTS');
    await this.onSubmit({ jobId, subtasks: sizeOf(run) });
    this.#hesitate(`submit ${jobId}`);
    if (jobManager.attempts.has(jobId)) throw refusal('FLINK_JOB_EXISTS');
    if (configuration['refused'] === 'yes') throw refusal('FLINK_REFUSED');
    const [job = ''] = programArguments;
    const other = this.alive().find((attempt) => nameOf(attempt.job) === nameOf(job));
    if (other !== undefined) this.violations.push(`${jobId} of ${job} started beside ${other.id}`);
    const from = this.#stored.find(({ path }) => path === savepointPath);
    const [progress, committed] = [from?.progress ?? 0, this.committed.get(job) ?? 0];
    if (progress !== committed) {
      this.violations.push(
        `${jobId} of ${job} begins with ${savepointPath ?? 'nothing'} at ${progress}, but ${committed} are committed`,
      );
    }
    jobManager.attempts.set(jobId, {
      ...{ id: jobId, job, configuration, state: 'INITIALIZING', upperBound: sizeOf(run) },
      ...{
        slots: new Map(),
        areTasksReady: false,
        deployedMs: 0,
        progress,
        ...{ read: 0, waiting: 0 },
        checkpoints: 0,
        unbroken: 0,
        restarts: 0,
      },
      ...{ stop: undefined, requested: undefined },
    });
    return jobId;
  }

  /** Some steps fail for reasons that have passed when they are tried again, also in the best of times. */
  #hesitate(step: string): void {
    if (this.#hesitated.has(step)) return;
    this.#hesitated.add(step);
    if (this.#world.random.next() < 0.2) throw refusal('FLINK_BUSY');
  }

  /** Asked for again, the same savepoint goes on. */
  #beginStop(jobManager: JobManager, jobId: string, stop: AskedSavepoint): void {
    const attempt = this.#beginnable(jobManager, jobId, stop);
    if (attempt !== undefined) attempt.stop = stop;
  }

  #beginSavepoint(jobManager: JobManager, jobId: string, requested: AskedSavepoint): void {
    const attempt = this.#beginnable(jobManager, jobId, requested);
    if (attempt !== undefined) attempt.requested = requested;
  }

  /** The attempt that a savepoint is begun of; `undefined`: it is known already, or fails at once. */
  #beginnable(
    { savepoints, attempts }: JobManager,
    jobId: string,
    { triggerId }: AskedSavepoint,
  ): Attempt | undefined {
    if (savepoints.has(triggerId)) return undefined;
    const attempt = attempts.get(jobId);
    const isPossible = attempt?.state === 'RUNNING' && attempt.areTasksReady && !attempt.stop;
    savepoints.set(triggerId, { status: isPossible ? 'IN_PROGRESS' : 'FAILED' });
    return isPossible ? attempt : undefined;
  }

  #turn(): void {
    for (const jobManager of this.#running()) {
      const registered = this.#registered(jobManager);
      for (const attempt of jobManager.attempts.values()) {
        if (isAlive(attempt)) this.#advance(jobManager, attempt, registered);
      }
    }
  }

  #advance(jobManager: JobManager, attempt: Attempt, registered: readonly Running[]): void {
    switch (attempt.state) {
      case 'CANCELLING':
        this.#end(attempt, 'CANCELED');
        return;
      case 'INITIALIZING':
        attempt.state = 'CREATED';
        return;
      case 'RUNNING':
        this.#run(jobManager, attempt, registered);
        return;
      default:
        this.#deploy(jobManager, attempt, registered);
    }
  }

  /** As wide as there are slots for. */
  #deploy(jobManager: JobManager, attempt: Attempt, registered: readonly Running[]): void {
    let wanted = attempt.upperBound;
    for (const process of registered) {
      const own = Math.min(wanted, slotsEach - usedSlots(jobManager, process));
      if (own > 0) attempt.slots.set(process, own);
      wanted -= Math.max(0, own);
    }
    if (attempt.slots.size === 0) return;
    attempt.state = 'RUNNING';
    attempt.deployedMs = this.#world.nowMs;
  }

  #run(jobManager: JobManager, attempt: Attempt, registered: readonly Running[]): void {
    const luck = this.isUnlucky ? this.#world.random.next() : 0.5;
    const width = widthOf(attempt);
    const isHurt = [...attempt.slots.keys()].some((process) => !registered.includes(process));
    const free = registered.some((process) => usedSlots(jobManager, process) < slotsEach);
    const mayGrow = width < attempt.upperBound && free;
    if (isHurt || width > attempt.upperBound || mayGrow || luck < 0.01) {
      this.#failOver(jobManager, attempt);
      return;
    }
    attempt.areTasksReady = true;
    attempt.progress += 10;
    this.#count(attempt, width);
    if (luck > 0.4) this.#finishRequested(jobManager, attempt, luck);
    if (attempt.configuration['bad'] === 'yes') this.#end(attempt, 'FAILED');
    else if (luck > 0.995) this.#end(attempt, this.#world.random.pick(['FAILED', 'CANCELED']));
    else if (attempt.stop !== undefined) this.#finishStop(jobManager, attempt, attempt.stop, luck);
    else if (luck > 0.4 && luck < 0.7) {
      this.#store(attempt, 'checkpoint', 'checkpoints');
    }
  }

  /** What comes in is read, by one that is crowded only in part. */
  #count(attempt: Attempt, width: number): void {
    const name = nameOf(attempt.job);
    const isCrowded = width >= (this.crowdedFrom.get(name) ?? Number.POSITIVE_INFINITY);
    if (isCrowded) this.crowded.add(name);
    const read = isCrowded ? incoming / 2 : incoming;
    attempt.read += read;
    attempt.waiting += incoming - read;
  }

  #end(attempt: Attempt, state: 'FAILED' | 'CANCELED' | 'FINISHED'): void {
    attempt.state = state;
    attempt.slots = new Map();
    this.#ends.set(attempt.id, state);
  }

  /** Goes on from the newest complete checkpoint or savepoint. */
  #failOver({ savepoints }: JobManager, attempt: Attempt): void {
    attempt.state = 'RESTARTING';
    attempt.slots = new Map();
    attempt.areTasksReady = false;
    attempt.restarts++;
    attempt.unbroken = 0;
    attempt.progress = this.committed.get(attempt.job) ?? 0;
    for (const asked of [attempt.stop, attempt.requested]) {
      if (asked !== undefined) savepoints.set(asked.triggerId, { status: 'FAILED' });
    }
    attempt.stop = undefined;
    attempt.requested = undefined;
  }

  /** Nothing is committed by it, and no job goes on from it: whoever asked may delete it. */
  #finishRequested({ savepoints }: JobManager, attempt: Attempt, luck: number): void {
    if (attempt.requested === undefined) return;
    const { triggerId, folder } = attempt.requested;
    attempt.requested = undefined;
    if (luck > 0.9) {
      savepoints.set(triggerId, { status: 'FAILED' });
      return;
    }
    const path = `${folder}/${triggerId}`;
    this.requestedSavepoints.add(path);
    savepoints.set(triggerId, { status: 'COMPLETED', path });
  }

  #finishStop(
    jobManager: JobManager,
    attempt: Attempt,
    { triggerId, folder }: AskedSavepoint,
    luck: number,
  ): void {
    if (luck < 0.4) return; // It takes its time.
    if (luck > 0.9) {
      // Some are written although the job does not end, and goes on.
      if (luck > 0.95) this.#store(attempt, 'savepoint', folder);
      this.#failOver(jobManager, attempt);
      return;
    }
    this.#store(attempt, 'savepoint', folder);
    jobManager.savepoints.set(triggerId, { status: 'COMPLETED' });
    this.#end(attempt, 'FINISHED');
  }

  #store(attempt: Attempt, kind: StatePoint['kind'], folder: string): void {
    const id = ++this.#lastId;
    const { id: jobId, job, progress } = attempt;
    this.#stored.push({ jobId, kind, id, path: `${folder}/${jobId}/${id}`, progress });
    this.committed.set(job, progress);
    attempt.checkpoints++;
    attempt.unbroken++;
  }
}

const jarName = `${bundle.slice('artifacts/'.length)}.jar`;

export function isJobManager(process: Running): boolean {
  return roleOf(process) === 'jobmanager';
}

function roleOf({ spec }: Running): string | undefined {
  return spec.environment[variables.flinkRole];
}

function restOf({ spec }: Running): string | undefined {
  return spec.environment[variables.flinkRest];
}

/** Where its configuration says that the JobManager is. */
function addressIn({ spec }: Running): string {
  const { content } = wire.ProcessSpec.fromPartial(spec).files[0]!;
  const text = Buffer.from(content).toString();
  return ['address', 'port']
    .map((key) => new RegExp(`jobmanager\\.rpc\\.${key}: *(.+)`).exec(text)?.[1])
    .join(':');
}

function unreachable(url: string): TesseraError {
  const reason = 'FLINK_UNREACHABLE';
  return new TesseraError({ code: Code.UNAVAILABLE, reason, message: `${url} does not answer.` });
}
