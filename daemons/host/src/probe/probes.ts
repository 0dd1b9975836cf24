import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withDeadline } from '@tessera/daemon';
import {
  directoryMissing,
  directoryUnusable,
  probeInvalid,
  probeMissing,
  tooManyProbes,
} from '../errors.ts';
import type { ProbeResult, ProbeTask } from './probe-file.ts';

export interface Probe {
  /** A `file://` URI. */
  readonly directory: string;
  readonly owner: string;
  readonly nonce: string;
}

const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './probe-file.ts' : './probe-file.js', import.meta.url),
);
const deadlineMs = 10_000;
/** Those included that hang: not even SIGKILL ends what waits for a file system. */
const maxRunning = 8;

/** Small files by which hosts find out whether they see the same directory. */
export class Probes {
  #running = 0;

  /** @throws PROBE_INVALID, DIRECTORY_MISSING, DIRECTORY_UNUSABLE, DIRECTORY_HANGS, TOO_MANY_PROBES. */
  async write(probe: Probe, { createDirectory }: { createDirectory: boolean }): Promise<void> {
    await this.#carryOut('write', probe, createDirectory);
  }

  /** What it holds. @throws PROBE_MISSING, and as `write` does. */
  read(probe: Probe): Promise<string> {
    return this.#carryOut('read', probe, false);
  }

  async #carryOut(
    kind: ProbeTask['kind'],
    probe: Probe,
    createDirectory: boolean,
  ): Promise<string> {
    const { directory: uri, owner, nonce } = probe;
    const directory = pathOf(uri);
    if (!/^[a-z0-9]{1,32}$/.test(owner)) throw probeInvalid('owner', owner);
    if (!/^[0-9a-f]{32}$/.test(nonce)) throw probeInvalid('nonce', nonce);
    if (this.#running >= maxRunning) throw tooManyProbes(maxRunning);
    const task = { kind, directory, owner, nonce, createDirectory };
    const slow = { what: `looking at ${directory}`, reason: 'DIRECTORY_HANGS' };
    const result = await withDeadline(deadlineMs, (signal) => this.#run(task, signal), slow);
    if (result.kind === 'done') return result.content;
    if (result.kind === 'failed') throw directoryUnusable(uri, result.detail);
    throw result.what === 'directory' ? directoryMissing(uri) : probeMissing(uri);
  }

  #run(task: ProbeTask, signal: AbortSignal): Promise<ProbeResult> {
    this.#running += 1;
    const args = ['--disable-warning=ExperimentalWarning', program, JSON.stringify(task)];
    const options = { cwd: '/', env: {}, signal, killSignal: 'SIGKILL' as const };
    return new Promise((resolve) => {
      const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout));
        else resolve({ kind: 'failed', detail: stderr.trim() || error.message });
      });
      child.once('close', () => {
        this.#running -= 1;
      });
    });
  }
}

/** Nothing in it may point out of it, or to another machine. @throws PROBE_INVALID */
function pathOf(uri: string): string {
  const isPlain = /^file:\/{1,3}[^/]/.test(uri) && !/%(2f|00)|[?#]/i.test(uri);
  const url = isPlain && URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined || url.host !== '') throw probeInvalid('directory', uri);
  try {
    return fileURLToPath(url); // `..` is gone by now, however it was written.
  } catch {
    throw probeInvalid('directory', uri);
  }
}
