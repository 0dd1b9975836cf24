import type { ProcessRole } from '../placement/placement.ts';
import type {
  ClusterJournal,
  StartedProcess,
  WantedCluster,
  WantedProcess,
} from './cluster-decision.ts';
import {
  type ClusterHost,
  type ClusterProcess,
  isGone,
  type ObservedCluster,
} from './observed-cluster.ts';

export interface SeenProcess {
  readonly host: string;
  readonly process: ClusterProcess;
}

/** What is wanted beside what was seen. */
export class Sight {
  readonly #hosts: ReadonlyMap<string, ClusterHost>;
  readonly #wanted: ReadonlyMap<string, WantedProcess>;
  readonly #observed: ObservedCluster;

  constructor({ processes }: WantedCluster, observed: ObservedCluster) {
    this.#observed = observed;
    this.#hosts = new Map(observed.hosts.map((host) => [host.id, host]));
    this.#wanted = new Map(processes.map((process) => [process.id, process]));
  }

  get jobManagerAnswers(): boolean {
    return this.#observed.registered !== undefined;
  }

  /** How long the JobManager has not answered. */
  get silentMs(): number {
    return this.#observed.silentMs ?? 0;
  }

  get activeJobs(): number {
    return this.#observed.activeJobs;
  }

  isSeen(host: string): boolean {
    return this.#hosts.get(host)?.state === 'seen';
  }

  /** What a wanted process waits for on its host before it may be started, in words. */
  lacking({ host }: WantedProcess): string | undefined {
    const lacks = this.#hosts.get(host)?.lacks;
    return lacks && `host ${host} to have ${lacks}`;
  }

  wantedProcess(id: string): WantedProcess | undefined {
    return this.#wanted.get(id);
  }

  isWantedAt(host: string, id: string): boolean {
    return this.#wanted.get(id)?.host === host;
  }

  wantedOf(role: ProcessRole): WantedProcess[] {
    return [...this.#wanted.values()].filter((process) => process.role === role);
  }

  /** Everything wanted but the JobManager. */
  workers(): WantedProcess[] {
    return [...this.#wanted.values()].filter(({ role }) => role !== 'jobmanager');
  }

  wantedProcesses(): WantedProcess[] {
    return [...this.#wanted.values()];
  }

  find({ host, id }: Pick<WantedProcess, 'host' | 'id'>): ClusterProcess | undefined {
    return this.#hosts.get(host)?.processes.find((process) => process.id === id);
  }

  all(): SeenProcess[] {
    return this.#observed.hosts.flatMap(({ id, processes }) =>
      processes.map((process) => ({ host: id, process })),
    );
  }

  processesOf(role: ProcessRole): SeenProcess[] {
    return this.all().filter(({ process }) => process.role === role);
  }

  isAsWanted(host: string, process: ClusterProcess): boolean {
    const wanted = this.#wanted.get(process.id);
    return wanted?.host === host && wanted.fingerprint === process.fingerprint;
  }

  /** Runs as it is wanted, whether it is up or not. */
  isThere(wanted: WantedProcess): boolean {
    const there = this.find(wanted);
    return there !== undefined && this.isAsWanted(wanted.host, there);
  }

  /** Runs, and answers or is known to the JobManager where it should. */
  isUp({ id, role, host }: StartedProcess): boolean {
    if (this.find({ id, host })?.state !== 'RUNNING') return false;
    if (role === 'jobmanager') return this.jobManagerAnswers;
    return role !== 'taskmanager' || this.isRegistered(id);
  }

  isRegistered(id: string): boolean {
    return this.#observed.registered?.has(id) === true;
  }

  usedSlots(id: string): number {
    const known = this.#observed.registered?.get(id);
    return known === undefined ? 0 : known.slots - known.freeSlots;
  }

  /** Of the TaskManagers that are wanted. */
  freeSlots(): number {
    return this.wantedOf('taskmanager').reduce(
      (sum, { id }) => sum + (this.#observed.registered?.get(id)?.freeSlots ?? 0),
      0,
    );
  }

  /** Processes that were started and not seen to be gone, and those that are seen. */
  mayRun({ started }: ClusterJournal): StartedProcess[] {
    const known = new Map(started.map((one) => [`${one.host}/${one.id}`, one]));
    const seen = this.all()
      .filter(({ process }) => !isGone(process))
      .map(({ host, process: { id, role } }) => ({
        ...known.get(`${host}/${id}`),
        id,
        role,
        host,
      }));
    const unseen = started.filter(({ host }) => {
      const state = this.#hosts.get(host)?.state ?? 'silent';
      return state === 'silent';
    });
    return [...unseen, ...seen];
  }
}
