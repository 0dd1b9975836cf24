/**
 * What lives of runs that are over, although each is called over only when nothing of it was seen any more. A mark is
 * never used for another run, so whoever carries one of such a run is left of it, however it has come to be overlooked.
 */
import type { Logger } from '@tessera/daemon';
import { type MarkedProcess, send } from '../proc/members.ts';
import { markOf, type ProcessRecord } from './process-record.ts';

/**
 * Those that are left of earlier runs of a process. Runs that are newer than its record are not among them: they are
 * of the host whose folder this one is a copy of.
 */
export function outlivedOf(
  record: ProcessRecord,
  marked: readonly MarkedProcess[],
): readonly MarkedProcess[] {
  const present = record.isActive ? markOf(record) : undefined;
  return marked.filter(({ mark }) => {
    const isOwn = processOfMark(mark) === record.uid;
    return isOwn && runOfMark(mark) <= record.run && mark !== present;
  });
}

/** The uid of its process. */
export function processOfMark(mark: string): string {
  return mark.slice(0, mark.lastIndexOf('.'));
}

export function runOfMark(mark: string): number {
  return Number(mark.slice(mark.lastIndexOf('.') + 1));
}

/** Kills what is left of earlier runs of a process, and gives their pids; they may take a moment to end. */
export function killOutlived(
  record: ProcessRecord,
  marked: readonly MarkedProcess[],
  log: Logger,
): readonly number[] {
  const outlived = outlivedOf(record, marked);
  for (const { pid, mark, startTicks, groupId, sessionId } of outlived) {
    const facts = { pid, startTicks, groupId, sessionId };
    log.warn({ id: record.id, run: runOfMark(mark), ...facts }, 'process.outlived');
    send(pid, 'SIGKILL');
  }
  return outlived.map(({ pid }) => pid);
}
