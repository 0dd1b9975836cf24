import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const command = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'daemons',
  'standalone',
  'bin',
  'tessera.mjs',
);

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `tessera` as a user does, from a folder, against an address. */
export function tessera(
  args: readonly string[],
  { cwd, address = '127.0.0.1:1' }: { readonly cwd: string; readonly address?: string },
): Promise<Outcome> {
  return ended(started(args, cwd, address));
}

export function started(args: readonly string[], cwd: string, address = ''): ChildProcess {
  return spawn(process.execPath, [command, ...args], {
    cwd,
    env: { ...process.env, TESSERA_ADDRESS: address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits until the process has ended. */
export function ended(child: ChildProcess): Promise<Outcome> {
  let [out, err] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text) => (err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** The address that `tessera up` says it listens on. */
export function listening(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = /is up on (\S+?);/.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.on('close', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}
