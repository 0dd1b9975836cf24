import type { ProcessRecord } from './process-record.ts';
import type { RunExit } from './run-status.ts';

/** What is seen of the present run. */
export interface ObservedRun {
  /** Somebody has taken the run: it was started, or never will be. */
  readonly isClaimed: boolean;
  /** This daemon has started a supervisor that may still take it. */
  readonly isSpawning: boolean;
  /** A supervisor that this daemon started ended without taking it: why. */
  readonly spawnFailure?: string;
  readonly isSupervised: boolean;
  readonly isMainAlive: boolean;
  /** How many processes of the run there are, counted when it is being stopped or its main program is gone. */
  readonly memberCount: number;
  /** How long nothing of it was seen, by every look in that time. Absent: something was. */
  readonly emptyForMs?: number;
  /** How many became another program at the first of these looks, and at each since: they may be of the run. */
  readonly suspectCount: number;
  /** How many processes of earlier runs live although those are over, counted when the next run is due. */
  readonly outlivedCount: number;
  readonly exit?: RunExit;
  /** SIGTERM was sent in this life of the daemon. */
  readonly isTermSent: boolean;
}

export type Action =
  /** Kill what is left of earlier runs: it may hold what the next one needs. */
  | { readonly kind: 'end-outlived' }
  /** Decide on the next run; write it down. */
  | { readonly kind: 'begin-run' }
  /** Start a supervisor for the run that was decided on. */
  | { readonly kind: 'spawn' }
  /** Take the run, so that nobody else can: it will not begin. */
  | { readonly kind: 'call-off'; readonly why: string }
  | { readonly kind: 'signal'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'end-run'; readonly exit: RunExit }
  /** Look again soon; after so long at the latest. */
  | { readonly kind: 'wait'; readonly forMs?: number }
  /** Nothing to do until somebody asks for something. */
  | { readonly kind: 'rest' };

/** One moment, by two clocks. */
export interface Moment {
  /** Since 1970. */
  readonly nowMs: number;
  /** Since the machine was started: nobody sets it. */
  readonly upMs: number;
}

/** One step towards what is wanted of a process. Any step may be repeated, or not happen at all. */
export function decide(record: ProcessRecord, observed: ObservedRun, moment: Moment): Action {
  const { nowMs, upMs } = moment;
  if (!record.isActive) return decideIdle(record, observed, nowMs);
  if (!observed.isClaimed) return decideUnclaimed(record, observed);
  const { stopDeadlineMs } = record;
  const { isMainAlive, isSupervised, exit, memberCount } = observed;
  const isMainKnown = record.child !== undefined || !isSupervised;
  const hasMainEnded = exit !== undefined || (!isMainAlive && isMainKnown);
  if (memberCount > 0 && stopDeadlineMs === undefined && hasMainEnded) return kill;
  if (stopDeadlineMs !== undefined && memberCount > 0) {
    if (upMs >= stopDeadlineMs) return kill;
    if (!observed.isTermSent) return { kind: 'signal', signal: 'SIGTERM' };
    return { kind: 'wait', forMs: stopDeadlineMs - upMs };
  }
  if (isMainAlive) return { kind: 'wait' };
  if (exit === undefined && isSupervised) return { kind: 'wait' }; // It is about to say how the program began or ended.
  const { emptyForMs = 0, suspectCount } = observed;
  const leftMs = (suspectCount > 0 ? suspectForMs : certainAfterMs) - emptyForMs;
  if (leftMs > 0) return { kind: 'wait', forMs: Math.min(leftMs, certainAfterMs) };
  return { kind: 'end-run', exit: exit ?? { cause: unseen, atMs: nowMs } };
}

/** What forks and ends between two reads may be overlooked by one look at all processes. */
const certainAfterMs = 50;
/** Becoming another program takes a moment, on a machine that is busy. One that takes longer is none of ours. */
const suspectForMs = 10_000;

const kill = { kind: 'signal', signal: 'SIGKILL' } as const;
const unseen = {
  kind: 'unknown',
  message: 'It ended together with its supervisor, as when the machine was switched off.',
} as const;

function decideIdle(
  { dueMs }: ProcessRecord,
  { outlivedCount }: ObservedRun,
  nowMs: number,
): Action {
  if (dueMs === undefined) return { kind: 'rest' };
  if (nowMs < dueMs) return { kind: 'wait', forMs: dueMs - nowMs };
  return { kind: outlivedCount > 0 ? 'end-outlived' : 'begin-run' };
}

function decideUnclaimed(record: ProcessRecord, observed: ObservedRun): Action {
  const { isSpawning, spawnFailure } = observed;
  if (record.stopDeadlineMs !== undefined) return callOff('It was stopped before it began.');
  if (spawnFailure !== undefined) return callOff(spawnFailure);
  return isSpawning ? { kind: 'wait' } : { kind: 'spawn' };
}

function callOff(why: string): Action {
  return { kind: 'call-off', why };
}
