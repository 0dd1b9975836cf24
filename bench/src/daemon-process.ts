import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cpuSeconds, peakRss } from './platform-process.ts';

/** A daemon in a process of its own, so that its memory and start are its own. */
export interface DaemonProcess extends AsyncDisposable {
  readonly address: string;
  /** Most memory it has had so far, bytes; without `wrap`. */
  peakRssBytes(): number;
  /** Processor time used so far, seconds; without `wrap`. */
  cpuSeconds(): number;
}

const root = join(import.meta.dirname, '..', '..');

/** Runs a daemon as hosts do, by `tessera daemon`, behind `wrap`, and waits until it says where it serves. */
export async function startDaemon(
  name: 'metadata' | 'query' | 'storage',
  args: readonly string[],
  wrap: readonly string[] = [],
): Promise<DaemonProcess> {
  const program = join(root, 'daemons', 'standalone', 'bin', 'tessera.mjs');
  const [command, ...rest] = [...wrap, process.execPath, program, 'daemon', name, ...args];
  const child = spawn(command!, rest, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (said.length < 100) said.push(line);
        const found = /"address":"([^"]+)"/.exec(line)?.[1];
        if (found !== undefined && line.includes(`${name}.started`)) resolve(found);
      });
    }
    child.once('exit', (code) =>
      reject(new Error(`the ${name} daemon ended with ${code}: ${said.join('\n')}`)),
    );
  });
  return {
    address,
    peakRssBytes: () => peakRss(child.pid!),
    cpuSeconds: () => cpuSeconds(child.pid!),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
