/**
 * Which processes belong to a run: its group and session, whatever left both but still carries the run's mark in its
 * environment, which programs hand on to what they start, and what its supervisor has forked that is not yet the program.
 */
import { readdirSync } from 'node:fs';
import {
  isRunning,
  isSame,
  type ProcessIdentity,
  type ProcessStat,
  readBootId,
  readOfProcess,
  readStat,
} from './process-identity.ts';

/** The environment variable that marks the processes of a run. */
export const markName = 'TESSERA_PROCESS';
/** The same of its supervisor: what that has forked carries it until it becomes the program, which carries the other one. */
export const supervisorMarkName = 'TESSERA_SUPERVISOR';

export interface Run {
  /** The main program, which leads group and session; `undefined` while nobody knows it. */
  readonly leader: ProcessIdentity | undefined;
  /** Value of the mark, never used for another run. */
  readonly mark: string;
  /** It belongs to no run itself: it sees how this one ends. `undefined` while there is none: nothing was forked then. */
  readonly supervisor?: ProcessIdentity | undefined;
}

export interface RunLook {
  /** Those that run now. */
  readonly members: readonly ProcessStat[];
  /** Those that become another program at this moment, and carry no mark meanwhile: any may be a member. */
  readonly changing: readonly ProcessStat[];
}

/** Those that run now. @throws when that cannot be told. */
export function membersOf(run: Run): readonly ProcessStat[] {
  return lookAt(run).members;
}

/** @throws when a process cannot be looked at. */
export function lookAt({ leader, mark, supervisor }: Run): RunLook {
  const group = leader !== undefined && isGroupOurs(leader) ? leader.pid : undefined;
  const names = supervisor === undefined ? [markName] : [markName, supervisorMarkName];
  const marks = names.map((name) => `${name}=${mark}`);
  const [members, changing]: [ProcessStat[], ProcessStat[]] = [[], []];
  for (const stat of runningProcesses()) {
    const isInGroup = stat.groupId === group || stat.sessionId === group;
    if (supervisor?.pid === stat.pid && isSame(stat, supervisor)) continue;
    const environment = isInGroup ? marks : environmentOf(stat);
    if (environment === undefined) changing.push(stat);
    else if (environment.some((entry) => marks.includes(entry))) members.push(stat);
  }
  return { members, changing };
}

export interface MarkedProcess extends ProcessStat {
  /** Of its run. */
  readonly mark: string;
}

/** All processes of runs that run now, whichever host daemon has started them. @throws when that cannot be told. */
export function markedProcesses(): readonly MarkedProcess[] {
  const start = `${markName}=`;
  return runningProcesses().flatMap((stat) => {
    const entry = environmentOf(stat)?.find((one) => one.startsWith(start));
    return entry === undefined ? [] : [{ ...stat, mark: entry.slice(start.length) }];
  });
}

/** Sends a signal to all of them: to whole groups where they are of this run, so that none can fork away from it. */
export function signalMembers(run: Run, signal: NodeJS.Signals): void {
  const members = membersOf(run);
  const pids = new Set(members.map(({ pid }) => pid));
  const groups = new Set(members.map(({ groupId }) => groupId).filter((group) => pids.has(group)));
  if (run.leader !== undefined && isGroupOurs(run.leader)) groups.add(run.leader.pid);
  for (const group of groups) send(-group, signal);
  for (const { pid, groupId } of members) if (!groups.has(groupId)) send(pid, signal);
}

/**
 * While anything is left of a group or session its number is not given to a new process. So the number is still ours
 * unless another process has it.
 */
function isGroupOurs(leader: ProcessIdentity): boolean {
  if (leader.bootId !== readBootId()) return false;
  const stat = readStat(leader.pid);
  return stat === undefined || isSame(stat, leader);
}

function runningProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((entry) => {
    const stat = /^\d+$/.test(entry) ? readStat(Number(entry)) : undefined;
    return stat !== undefined && isRunning(stat) ? [stat] : [];
  });
}

/**
 * Those of other users are hidden from a daemon that is not root, which has started none of them. `undefined`: it becomes
 * another program, and has neither environment nor arguments until it is.
 */
function environmentOf({ pid, groupId }: ProcessStat): readonly string[] | undefined {
  const isKernel = groupId === 0;
  // Between two reads it may have become that program, and so what was read of it does not fit together.
  for (let reads = 0; reads < 3; reads++) {
    const environment = readOfProcess(pid, 'environ', ['EACCES', 'EPERM']);
    if (environment !== '' || isKernel) return environment?.split('\0') ?? [];
    if (readOfProcess(pid, 'cmdline') === '') return undefined;
  }
  return [];
}

/** One that has ended meanwhile needs none. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
