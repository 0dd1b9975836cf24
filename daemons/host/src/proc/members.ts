/**
 * Which processes belong to a run: its group and session, and whatever left both but still carries the run's mark in
 * its environment, which programs hand on to what they start.
 */
import { readdirSync } from 'node:fs';
import {
  isRunning,
  isSame,
  type ProcessIdentity,
  type ProcessStat,
  readBootId,
  readIfThere,
  readStat,
} from './process-identity.ts';

/** The environment variable that marks the processes of a run. */
export const markName = 'TESSERA_PROCESS';

export interface Run {
  /** The main program, which leads group and session; `undefined` while nobody knows it. */
  readonly leader: ProcessIdentity | undefined;
  /** Value of the mark, never used for another run. */
  readonly mark: string;
}

/** Those that run now. */
export function membersOf({ leader, mark }: Run): readonly ProcessStat[] {
  const group = leader !== undefined && isGroupOurs(leader) ? leader.pid : undefined;
  const members: ProcessStat[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(Number(entry));
    if (stat === undefined || !isRunning(stat)) continue;
    const isInGroup = stat.groupId === group || stat.sessionId === group;
    if (isInGroup || isMarked(stat.pid, mark)) members.push(stat);
  }
  return members;
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

function isMarked(pid: number, mark: string): boolean {
  const environment = readIfThere(`/proc/${pid}/environ`);
  return environment?.split('\0').includes(`${markName}=${mark}`) ?? false;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
