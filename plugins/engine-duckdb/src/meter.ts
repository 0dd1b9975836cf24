import type { BuildProgress } from '@tessera/plugin';
import type { Session } from './session.ts';

/** How often progress of a running statement is reported. */
const reportEveryMs = 250;

/**
 * Progress of a build in row visits: each statement visits about as many rows as the flat relation has, so
 * done / total is a fair share of the work. The total is known once the source was read.
 */
export class Meter {
  readonly #session: Session;
  readonly #statements: number;
  #finished = 0;
  #rows: bigint | undefined;
  #bytesWritten = 0n;

  constructor(session: Session, statements: number) {
    this.#session = session;
    this.#statements = statements;
  }

  setRows(rows: bigint): void {
    this.#rows = rows;
  }

  wrote(bytes: bigint): void {
    this.#bytesWritten += bytes;
  }

  /** Reports while one step of work runs in the session, and when it is done. */
  async *measure(phase: string, work: Promise<void>): AsyncIterable<BuildProgress> {
    let done = false;
    const running = work.finally(() => {
      done = true;
    });
    running.catch(() => undefined);
    while (!done) {
      await this.#pause(running);
      if (!done) yield this.#report(phase, this.#finished + this.#session.progress);
    }
    await running;
    this.#finished++;
    yield this.#report(phase, this.#finished);
  }

  /** Until the next report is due or the statement has ended. */
  async #pause(running: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const due = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, reportEveryMs);
    });
    await Promise.race([running.catch(() => undefined), due]);
    clearTimeout(timer);
  }

  #report(phase: string, statements: number): BuildProgress {
    const rows = this.#rows;
    const base = { kind: 'progress', phase, bytesWritten: this.#bytesWritten } as const;
    if (rows === undefined) return { ...base, rowsDone: 0n };
    const rowsDone = (rows * BigInt(Math.round(statements * 1000))) / 1000n;
    return { ...base, rowsDone, rowsTotal: rows * BigInt(this.#statements) };
  }
}
