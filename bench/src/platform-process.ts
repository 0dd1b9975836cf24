import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A platform in a process of its own, as users run it, so that its memory and CPU are its own. */
export interface PlatformProcess extends AsyncDisposable {
  readonly address: string;
  readonly pid: number;
  /** Most memory it has had so far, bytes; 0 where the system does not tell. */
  peakRssBytes(): number;
  /** Processor time used so far by the process, seconds; 0 where the system does not tell. */
  cpuSeconds(): number;
}

const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'daemons', 'standalone', 'src', 'main.ts');
const upPattern = /is up on (\S+);/;

/** Runs `tessera up`, or a program that takes its options and says the same, on a free port and waits until it is up. */
export async function startPlatformProcess(
  dataDirectory: string,
  args: readonly string[] = [],
  main = command,
): Promise<PlatformProcess> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=tessera-source',
      '--disable-warning=ExperimentalWarning',
      main,
      'up',
      '--data',
      dataDirectory,
      '--port',
      '0',
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, UV_THREADPOOL_SIZE: '16' } },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
      const found = upPattern.exec(text)?.[1];
      if (found !== undefined) resolve(found.replace(/\.$/, ''));
    });
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code}: ${text}`)));
  });
  const pid = child.pid!;
  return {
    address,
    pid,
    peakRssBytes: () => peakRss(pid),
    cpuSeconds: () => cpuSeconds(pid),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Most memory that a process has had, bytes; 0 where the system does not tell. */
export function peakRss(pid: number): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readProc(`/proc/${pid}/status`));
  return match ? Number(match[1]) * 1024 : 0;
}

/** utime and stime are fields 14 and 15 of stat, in ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const text = readProc(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields.length > 13 ? (Number(fields[11]) + Number(fields[12])) / 100 : 0;
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Resident memory of a process and all that descend from it, bytes. */
export function treeRssBytes(pid: number): number {
  const children = new Map<number, number[]>();
  const rss = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const status = readProc(`/proc/${entry}/status`);
    const parent = Number(/PPid:\s+(\d+)/.exec(status)?.[1] ?? -1);
    rss.set(Number(entry), Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const total = (process: number): number =>
    (rss.get(process) ?? 0) +
    (children.get(process) ?? []).reduce((sum, child) => sum + total(child), 0);
  return total(pid);
}
