import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { sep } from 'node:path';

/** What a reader types into one terminal. */
export interface Shell {
  readonly child: ChildProcess;
  /** Exit code and everything printed, errors included. */
  readonly ended: Promise<{ readonly code: number | null; readonly printed: string }>;
  /** What the pattern's group matched. @throws when the process ends before. */
  untilPrinted(pattern: RegExp): Promise<string>;
}

/** @param address that commands reach the platform at */
export function shell(script: string, folder: string, address: string): Shell {
  const child = spawn('bash', ['-c', `exec 2>&1\n${script}`], {
    cwd: folder,
    env: { ...process.env, TESSERA_ADDRESS: address, npm_config_offline: 'true' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  const ended = new Promise<{ code: number | null; printed: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, printed }));
  });
  return {
    child,
    ended,
    untilPrinted: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(printed)?.[1];
          if (found !== undefined) resolve(found);
        };
        child.stdout.on('data', look);
        look();
        void ended.then(({ code }) => reject(new Error(`ended with ${code}:\n${printed}`)));
      }),
  };
}

/** Kills it, with all that it waits for, when it has not ended after so long: what it has printed says where it was. */
export async function endedWithin({ child, ended }: Shell, patienceMs: number) {
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), patienceMs);
  return await ended.finally(() => clearTimeout(timer));
}

/** Presses Ctrl-C, which a terminal sends to the whole group, and waits for the end. */
export async function stop({ child, ended }: Shell): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGINT');
  await ended;
}

/** Kills all that works in a folder: processes outlive their host, and would hold its ports for ever. */
export function killBelow(folder: string): void {
  const start = realpathSync(folder) + sep;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(start)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or is somebody else's.
    }
  }
}
