import type { ProcessRole } from '../placement/placement.ts';

/** What was seen of a cluster. */
export interface ObservedCluster {
  readonly hosts: readonly ClusterHost[];
  /** TaskManagers that the JobManager knows, by process id. Absent: it does not answer. */
  readonly registered?: ReadonlyMap<string, RegisteredTaskManager>;
  /** How long it has not answered, whichever run of it. Absent: not known, or it answers. */
  readonly silentMs?: number;
  /** Jobs of this cluster that have not been stopped, by what their journals say. */
  readonly activeJobs: number;
}

export interface ClusterHost {
  readonly id: string;
  /**
   * `silent`: it does not answer, and its processes may well run. `lost`: it is certain that none of them does, because its host daemon has promised to end them when it is out of touch for so long, or somebody
   * vouches for it.
   */
  readonly state: 'seen' | 'silent' | 'lost';
  /** Those of this cluster; none unless the host is seen. */
  readonly processes: readonly ClusterProcess[];
  /** What has to arrive before anything is started there, in words. Absent: nothing. */
  readonly lacks?: string;
}

export interface ClusterProcess {
  readonly id: string;
  readonly role: ProcessRole;
  readonly state: 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'STOPPED' | 'EXITED';
  /** Says everything about how it is run: its command, files and bundle. */
  readonly fingerprint: string;
  /** Since its present run began. */
  readonly ageMs: number;
  /** Its last run, when it has ended by itself: neither by a signal, nor with its host. */
  readonly ended?: EndedRun;
}

export interface EndedRun {
  /** No other one of this process has the same. */
  readonly run: string;
  /** Why, for people. */
  readonly cause: string;
}

export interface RegisteredTaskManager {
  readonly slots: number;
  readonly freeSlots: number;
}

export function isGone({ state }: Pick<ClusterProcess, 'state'>): boolean {
  return state === 'STOPPED' || state === 'EXITED';
}
