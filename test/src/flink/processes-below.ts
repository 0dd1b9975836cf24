import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processes that work in a folder below one, or were told of one: what a host has started, and what looks after it. */
export function pidsBelow(folder: string): number[] {
  const inside = `${folder}/`;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => [workingFolder(pid), ...argumentsOf(pid)].some((at) => at.startsWith(inside)))
    .map(Number);
}

/** As far as they have not ended meanwhile. */
export function killAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

function workingFolder(pid: string): string {
  return known(() => readlinkSync(`/proc/${pid}/cwd`));
}

function argumentsOf(pid: string): string[] {
  return known(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
}

/** Nothing of a process that has ended. */
function known(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
