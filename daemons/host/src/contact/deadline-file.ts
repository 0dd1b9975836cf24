/**
 * Until when a host counts as being in touch with metadata, in a file that outlives the host daemon: what watches over a
 * process reads it when the daemon is gone. Times are milliseconds since the machine was started, which every process of
 * it counts alike, and which go on while it sleeps; those of another boot mean nothing.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { uptime } from 'node:os';
import { readBootId, readIfThere } from '../proc/process-identity.ts';

export function upMs(): number {
  return uptime() * 1_000;
}

/** `undefined`: it is of another boot, or none. */
export function readDeadline(path: string): number | undefined {
  const [boot, text] = (readIfThere(path) ?? '').trimEnd().split(' ');
  const deadlineMs = Number(text);
  return boot === readBootId() && text !== '' && Number.isFinite(deadlineMs)
    ? deadlineMs
    : undefined;
}

/** Written over in place, always as long: that takes no room on a disk that is full, and is never seen half. */
export class DeadlineFile implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
  }

  write(deadlineMs: number): void {
    const text = `${readBootId()} ${deadlineMs.toFixed(0).padStart(15, '0')}\n`;
    writeSync(this.#file, text, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
