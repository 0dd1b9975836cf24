import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { peakRss } from '../platform-process.ts';

/** A daemon by its own command, so that its memory and start are its own. */
export interface DaemonProcess extends AsyncDisposable {
  readonly address: string;
  peakRssBytes(): number;
}

const root = join(import.meta.dirname, '..', '..', '..');
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

/** Runs a daemon on a free port and waits until it serves. */
export async function startDaemon(
  name: 'metadata' | 'query',
  options: Readonly<Record<string, string>>,
): Promise<DaemonProcess> {
  const main = join(root, 'daemons', name, 'src', 'main.ts');
  const given = Object.entries({ address: '127.0.0.1:0', ...options });
  const args = given.flatMap(([option, value]) => [`--${option}`, value]);
  const child = spawn(process.execPath, [...flags, main, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-10_000);
      const found = /"address":"([^"]+)"/.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${text}`)));
  });
  return {
    address,
    peakRssBytes: () => peakRss(child.pid!),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
