/**
 * What is known of one run, kept in a file that outlives both daemon and supervisor. Whoever creates the file has
 * taken the run, so that a run is started once however often it is asked for. It has its full size from the
 * beginning and is overwritten in place: the end of a run can be written when the disk is full.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../proc/process-identity.ts';

/** How a run ended. */
export type ExitCause =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'not-started'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string };

export interface RunExit {
  readonly cause: ExitCause;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface RunStatus {
  readonly supervisor?: ProcessIdentity;
  /** The main program. */
  readonly child?: ProcessIdentity;
  readonly exit?: RunExit;
}

const sizeBytes = 4096;
const longestMessage = 1000;

/** Takes the run; `undefined` when somebody else has. The file appears with its first content. */
export function claimRun(folder: string, first: RunStatus): RunClaim | undefined {
  const temporary = `${fileOf(folder)}.${process.pid}`;
  const claim = new RunClaim(openSync(temporary, 'w', 0o600), first);
  try {
    linkSync(temporary, fileOf(folder));
    return claim;
  } catch (error) {
    claim[Symbol.dispose]();
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  } finally {
    unlinkSync(temporary);
  }
}

export class RunClaim implements Disposable {
  readonly #file: number;
  #status: RunStatus = {};

  constructor(file: number, first: RunStatus) {
    this.#file = file;
    this.add(first);
  }

  /** Adds to what is known, synced. */
  add(more: RunStatus): void {
    this.#status = { ...this.#status, ...more };
    const text = JSON.stringify(this.#status);
    writeSync(this.#file, `${text.padEnd(sizeBytes - 1)}\n`, 0);
    fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** A reader that comes while the file is overwritten may see the beginning of the new text and the end of the old. */
const tries = 1000;

/** `undefined`: nobody has taken the run. */
export function readRunStatus(folder: string): RunStatus | undefined {
  for (let i = 0; i < tries; i++) {
    try {
      return JSON.parse(readFileSync(fileOf(folder), 'utf8')) as RunStatus;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return {}; // Torn by a loss of power, after which none of these processes is there.
}

export function notStarted(message: string): ExitCause {
  return { kind: 'not-started', message: message.slice(0, longestMessage) };
}

function fileOf(folder: string): string {
  return join(folder, 'status.json');
}
