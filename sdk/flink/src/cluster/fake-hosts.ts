import type { Random } from '@tessera/base';
import type { ClusterStep, WantedProcess } from './cluster-decision.ts';
import type {
  ClusterHost,
  ClusterProcess,
  ObservedCluster,
  RegisteredTaskManager,
} from './observed-cluster.ts';

interface FakeProcess extends WantedProcess {
  state: ClusterProcess['state'];
  ageMs: number;
  isRegistered: boolean;
  /** Runs that have ended by themselves. */
  ends: number;
}

interface FakeHost {
  readonly id: string;
  state: ClusterHost['state'];
  readonly processes: Map<string, FakeProcess>;
}

/** How much time a turn takes. */
const turnMs = 30_000;

/**
 * An emulation of host daemons and of what a JobManager knows of its TaskManagers, for tests of decisions. Processes run on while a host is silent, and end before it counts as lost. It records what must never happen.
 */
export class FakeHosts {
  readonly violations: string[] = [];
  readonly hosts: readonly FakeHost[];
  /** What is run like that ends when it starts. */
  readonly bad = new Set<string>();
  activeJobs = 1;
  /** Jobs are stopped, or started again, a little later. */
  haltsJobs = false;
  #isHanging = false;
  #silentMs = 0;
  readonly #random: Random;

  constructor(random: Random, count: number) {
    this.#random = random;
    this.hosts = Array.from({ length: count }, (_, i) => ({
      id: `h${i}`,
      state: 'seen',
      processes: new Map(),
    }));
  }

  observe(): ObservedCluster {
    const jobManager = this.alive('jobmanager')[0];
    const isSeen = this.hosts.some(
      ({ state, processes }) =>
        state === 'seen' && jobManager !== undefined && processes.has(jobManager.id),
    );
    const answers = jobManager?.state === 'RUNNING' && isSeen && !this.#isHanging;
    return {
      hosts: this.hosts.map(({ id, state, processes }) => ({
        id,
        state,
        processes:
          state === 'seen'
            ? [...processes.values()].map(
                ({ id: process, role, state: is, fingerprint, ageMs, ends }) => ({
                  ...{ id: process, role, state: is, fingerprint, ageMs },
                  ...(is === 'BACKOFF' &&
                    ends > 0 && { ended: { run: `${ends}`, cause: 'it cannot be read' } }),
                }),
              )
            : [],
      })),
      ...(answers ? { registered: this.#registered() } : { silentMs: this.#silentMs }),
      activeJobs: this.activeJobs,
    };
  }

  /** Takes a step, on a host that answers. */
  act({ kind, host: id, processId }: ClusterStep, wanted: readonly WantedProcess[]): void {
    const host = this.hosts.find((each) => each.id === id)!;
    if (host.state !== 'seen') return;
    const process = host.processes.get(processId);
    if (kind === 'forget') host.processes.delete(processId);
    else if (kind === 'start') this.#start(host, wanted.find((each) => each.id === processId)!);
    else if (process !== undefined) this.#stop(process);
  }

  alive(role: WantedProcess['role']): FakeProcess[] {
    return this.hosts.flatMap(({ processes }) =>
      [...processes.values()].filter((process) => process.role === role && isAlive(process)),
    );
  }

  /** Something happens by itself. */
  happen(): void {
    const { next, pick } = this.#random;
    const host = pick(this.hosts);
    const luck = next();
    if (luck < 0.08) this.#becomeSilent(host);
    else if (luck < 0.25) this.#comeBack(host);
    else if (luck < 0.3) this.#isHanging = !this.#isHanging;
    else this.#advanceAll();
  }

  /** From now on nothing breaks; hosts that are lost come back empty. */
  heal(): void {
    this.#isHanging = false;
    for (const host of this.hosts) this.#comeBack(host);
    this.#advanceAll(true);
  }

  #advanceAll(isHealing = false): void {
    this.activeJobs = this.haltsJobs ? 0 : 1;
    this.#silentMs = this.#isHanging ? this.#silentMs + turnMs : 0;
    for (const { processes } of this.hosts) {
      for (const process of processes.values()) this.#advance(process, isHealing);
    }
  }

  #start(host: FakeHost, wanted: WantedProcess): void {
    const there = host.processes.get(wanted.id);
    if (there !== undefined && isAlive(there)) return; // The host daemon has it already.
    if (wanted.role === 'jobmanager' && this.alive('jobmanager').length > 0) {
      this.violations.push(`${wanted.id} on ${host.id} started beside another JobManager`);
    }
    if (this.alive(wanted.role).some(({ id }) => id === wanted.id)) {
      this.violations.push(`${wanted.id} runs twice`);
    }
    const fresh = { state: 'STARTING', ageMs: 0, isRegistered: false, ends: 0 } as const;
    host.processes.set(wanted.id, { ...wanted, ...fresh });
  }

  #stop(process: FakeProcess): void {
    if (!isAlive(process)) return;
    process.state = 'STOPPING';
  }

  #becomeSilent(host: FakeHost): void {
    if (host.state === 'seen') host.state = 'silent';
    else if (host.state === 'silent') {
      // Its daemon has ended everything before that is said of it.
      host.processes.clear();
      host.state = 'lost';
    }
  }

  #comeBack(host: FakeHost): void {
    host.state = 'seen';
  }

  #advance(process: FakeProcess, isHealing = false): void {
    const luck = isHealing ? 0.5 : this.#random.next();
    process.ageMs += turnMs;
    if (process.state === 'STARTING' && this.bad.has(process.fingerprint)) {
      process.state = 'BACKOFF';
      process.ends += 1;
    } else if (process.state === 'STARTING' && luck > 0.2) process.state = 'RUNNING';
    else if (process.state === 'BACKOFF') process.state = 'STARTING';
    else if (process.state === 'STOPPING' && luck > 0.3) process.state = 'STOPPED';
    else if (process.state === 'RUNNING' && luck < 0.04) {
      process.state = luck < 0.02 ? 'BACKOFF' : 'EXITED';
      process.isRegistered = false;
      process.ageMs = 0;
    } else if (process.state === 'RUNNING' && luck > 0.3) process.isRegistered = true;
    if (process.state !== 'RUNNING') process.isRegistered = false;
  }

  #registered(): Map<string, RegisteredTaskManager> {
    const known = this.alive('taskmanager').filter(({ isRegistered }) => isRegistered);
    // Two slots in all are in use: as many as the job needs.
    let used = 2 * this.activeJobs;
    return new Map(
      known.map(({ id }) => {
        const own = Math.min(used, 2);
        used -= own;
        return [id, { slots: 2, freeSlots: 2 - own }];
      }),
    );
  }
}

function isAlive({ state }: FakeProcess): boolean {
  return state !== 'STOPPED' && state !== 'EXITED';
}
