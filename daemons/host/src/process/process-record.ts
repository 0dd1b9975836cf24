/**
 * What a host has decided and seen of a process: written to the journal before anything is done. Each function gives
 * the record after one event; none looks at a clock.
 */
import type { ProcessIdentity } from '../proc/process-identity.ts';
import type { ProcessSpec, RestartPolicy } from './process-spec.ts';
import type { ExitCause, RunExit } from './run-status.ts';

export interface ProcessRecord {
  /** The last part of its name. */
  readonly id: string;
  readonly uid: string;
  /** The host's, of the last change; set by the journal. */
  readonly revision: number;
  /** Of the request that started it last; may be empty. */
  readonly requestId: string;
  readonly createdMs: number;
  readonly spec: ProcessSpec;
  /** Number of the present run, or of the last one; 0: there was none. */
  readonly run: number;
  /** True from the decision to start the run until nothing of it is left. */
  readonly isActive: boolean;
  readonly startedMs?: number;
  /** The run's main program, once it is known. */
  readonly child?: ProcessIdentity;
  /** Somebody wants it to end: what is left when the machine has been up for so long is killed. */
  readonly stopDeadlineMs?: number;
  /** The next run begins at this time. */
  readonly dueMs?: number;
  /** Restarts in a row. */
  readonly restarts: number;
  readonly lastExit?: RunExit;
}

export type ProcessState = 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'STOPPED' | 'EXITED';

export function stateOf(record: ProcessRecord): ProcessState {
  const isStopped = record.stopDeadlineMs !== undefined;
  if (record.isActive) {
    if (isStopped) return 'STOPPING';
    return record.child === undefined ? 'STARTING' : 'RUNNING';
  }
  if (record.dueMs !== undefined) return record.restarts > 0 ? 'BACKOFF' : 'STARTING';
  return isStopped ? 'STOPPED' : 'EXITED';
}

/** True when nothing of it runs and nothing will. */
export function hasEnded(record: ProcessRecord): boolean {
  return !record.isActive && record.dueMs === undefined;
}

/** Marks the processes of the present run; never the same twice. */
export function markOf({ uid, run }: ProcessRecord): string {
  return `${uid}.${run}`;
}

export interface StartRequest {
  readonly requestId: string;
  readonly spec: ProcessSpec;
  readonly nowMs: number;
}

export function created(
  id: string,
  uid: string,
  { requestId, spec, nowMs }: StartRequest,
): ProcessRecord {
  const nothing = { revision: 0, run: 0, isActive: false, restarts: 0 };
  return { id, uid, requestId, createdMs: nowMs, spec, ...nothing, dueMs: nowMs };
}

/** Of one that has ended. */
export function startedAgain(
  record: ProcessRecord,
  { requestId, spec, nowMs }: StartRequest,
): ProcessRecord {
  const { stopDeadlineMs: _, ...rest } = record;
  return { ...rest, requestId, spec, restarts: 0, dueMs: nowMs };
}

/** A stop that was asked for twice keeps the earlier deadline. One that has ended by itself stays as it is. */
export function stopped(record: ProcessRecord, deadlineMs: number): ProcessRecord {
  if (hasEnded(record)) return record;
  const { dueMs: _, ...rest } = record;
  const earlier = Math.min(deadlineMs, record.stopDeadlineMs ?? Number.POSITIVE_INFINITY);
  return { ...rest, stopDeadlineMs: earlier };
}

export function runBegun(record: ProcessRecord, nowMs: number): ProcessRecord {
  const { dueMs: _, child: __, ...rest } = record;
  return { ...rest, run: record.run + 1, isActive: true, startedMs: nowMs };
}

export function childSeen(record: ProcessRecord, child: ProcessIdentity): ProcessRecord {
  return { ...record, child };
}

/** The run is over, and nothing of it is left. */
export function runEnded(record: ProcessRecord, exit: RunExit, nowMs: number): ProcessRecord {
  const { child: _, ...rest } = record;
  const ended = { ...rest, isActive: false, lastExit: exit };
  const { restart } = record.spec;
  if (record.stopDeadlineMs !== undefined) return ended;
  const wasStable = exit.atMs - (record.startedMs ?? exit.atMs) > restart.maxBackoffMs;
  const before = wasStable ? 0 : record.restarts;
  if (!isRestarted(restart, exit.cause, before)) return ended;
  return { ...ended, restarts: before + 1, dueMs: nowMs + backoffMs(restart, before) };
}

function isRestarted(policy: RestartPolicy, cause: ExitCause, restarts: number): boolean {
  if (policy.maxRestarts > 0 && restarts >= policy.maxRestarts) return false;
  const hasFailed = cause.kind !== 'code' || cause.code !== 0;
  return policy.mode === 'always' || (policy.mode === 'on-failure' && hasFailed);
}

/** The wait before the restart that follows so many others. */
export function backoffMs(policy: RestartPolicy, restarts: number): number {
  const { initialBackoffMs, maxBackoffMs } = policy;
  return Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.min(restarts, 32));
}
