import { resourceIdOf } from '@tessera/base';
import { host as wire } from '@tessera/proto';

/** One process of Flink on a host. */
export interface StageProcess {
  readonly id: string;
  readonly role: 'jobmanager' | 'taskmanager';
  /** Number of its host. */
  readonly host: number;
  readonly pid: number;
  readonly isRunning: boolean;
  /** `host:port` of its REST interface; only a JobManager has one. */
  readonly rest: string | undefined;
}

/** What processes of Flink are told of themselves, by which they are found. */
const variables = { role: 'TESSERA_FLINK_ROLE', rest: 'TESSERA_FLINK_REST' } as const;

/** A process as its host tells of it, if it is a JobManager or a TaskManager. */
export function stageProcessOf(process: wire.Process, host: number): StageProcess | undefined {
  const { name, pid, state, spec } = process;
  const role = spec?.environment[variables.role];
  if (role !== 'jobmanager' && role !== 'taskmanager') return undefined;
  const isRunning = state === wire.ProcessState.PROCESS_STATE_RUNNING;
  const rest = spec?.environment[variables.rest];
  return { id: resourceIdOf(name), role, host, pid, isRunning, rest };
}

/** Ends a process and all of its group. */
export function killGroup(pid: number): void {
  if (pid > 1) kill(-pid);
}

/** One that has ended already is none. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
