/**
 * Who a process is. A pid alone is not enough: the kernel gives it to another program once its owner is gone. The pid,
 * the time at which the kernel started it, and the boot that both belong to are never given again.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to start. */
  readonly startTicks: number;
  readonly bootId: string;
}

/** What `/proc/{pid}/stat` says. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter, as `ps` shows it. */
  readonly state: string;
  readonly groupId: number;
  readonly sessionId: number;
  readonly startTicks: number;
}

/** `undefined` when the text is none. The name of a program stands in parentheses and may contain anything, those included. */
export function parseStat(text: string): ProcessStat | undefined {
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [pid, startTicks] = [Number.parseInt(text, 10), Number(rest[19])];
  if (!Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined;
  return {
    pid,
    state: rest[0]!,
    groupId: Number(rest[2]),
    sessionId: Number(rest[3]),
    startTicks,
  };
}

/** `undefined` when there is no such process. @throws what says nothing of that, as that no file can be opened. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readOfProcess(pid, 'stat');
  return text === undefined ? undefined : parseStat(text);
}

/**
 * What a file below /proc/{pid} says; `undefined` when there is no such process.
 * @param hidden codes of errors by which the kernel keeps it from us
 * @throws everything else: that a process could not be looked at does not mean that it is gone
 */
export function readOfProcess(
  pid: number,
  file: string,
  hidden: readonly string[] = [],
): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', ...hidden].includes(code)) return undefined;
    throw error;
  }
}

/** Of this boot. No process lives through another one, so it is read once. */
export function readBootId(): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootId;
}

let bootId: string | undefined;

/** Identifies a process that runs now. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTicks: stat.startTicks, bootId: readBootId() };
}

/** True while that very process runs; one that has ended and waits to be reaped does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return stat !== undefined && isRunning(stat) && isSame(stat, identity);
}

export function isRunning({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

export function isSame(stat: ProcessStat, identity: ProcessIdentity): boolean {
  return stat.startTicks === identity.startTicks && identity.bootId === readBootId();
}

/** A file that may vanish at any time; whatever keeps it from being read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
