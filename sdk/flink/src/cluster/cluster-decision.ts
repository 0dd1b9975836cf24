import type { ProcessRole } from '../placement/placement.ts';

/** A cluster as it is wanted: what its placement says. None: the cluster is to end. */
export interface WantedCluster {
  readonly processes: readonly WantedProcess[];
  /** That the processes are of: see `versionToRun`. Absent: of none, as it is to end. */
  readonly version?: bigint;
}

export interface WantedProcess {
  /** Of the placed process: on another host it is another one. */
  readonly id: string;
  readonly role: ProcessRole;
  readonly host: string;
  readonly fingerprint: string;
}

export interface ClusterJournal {
  /** Processes that may run: written before they are started, and forgotten when they are seen to be gone. */
  readonly started: readonly StartedProcess[];
  /** The last version under which all processes came up. Absent: there was none yet. */
  readonly good?: bigint;
  /** A newer one that was given up: the good one is carried out instead. */
  readonly rejected?: RejectedVersion;
}

/** What is known of a process since it was started. */
export interface StartedProcess {
  readonly id: string;
  readonly role: ProcessRole;
  readonly host: string;
  readonly hasComeUp?: boolean;
  /** How often it has ended by itself before it came up; absent: never. */
  readonly ends?: number;
  /** The last of these. */
  readonly endedRun?: string;
}

export interface RejectedVersion {
  readonly version: bigint;
  /** It ended again and again before it came up. */
  readonly processId: string;
  readonly host: string;
  /** What it ended by the last time, for people. */
  readonly cause: string;
}

export const emptyClusterJournal: ClusterJournal = { started: [] };

/** One step at a time. The same step has the same key, however often it is decided. */
export interface ClusterStep {
  /** `forget`: it has ended and is not wanted any more. */
  readonly kind: 'start' | 'stop' | 'forget';
  readonly key: string;
  readonly host: string;
  readonly processId: string;
}

export interface ClusterDecision {
  /** To be written before the step is taken. */
  readonly journal: ClusterJournal;
  readonly step?: ClusterStep;
  /** Jobs have to be stopped with their state, and not be started, until this is false again. */
  readonly haltsJobs: boolean;
  /** What has to happen before it goes on, in words. Absent: all is as wanted. */
  readonly waitsFor?: string;
}
