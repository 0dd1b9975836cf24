import type { ProcessRole } from '../placement/placement.ts';

/** A cluster as it is wanted: what its placement says. None: the cluster is to end. */
export interface WantedCluster {
  readonly processes: readonly WantedProcess[];
}

export interface WantedProcess {
  /** Of the placed process: on another host it is another one. */
  readonly id: string;
  readonly role: ProcessRole;
  readonly host: string;
  readonly fingerprint: string;
}

/** Processes that may run: written before they are started, and forgotten when they are seen to be gone. */
export interface ClusterJournal {
  readonly started: readonly StartedProcess[];
}

export interface StartedProcess {
  readonly id: string;
  readonly role: ProcessRole;
  readonly host: string;
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
