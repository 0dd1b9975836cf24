import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const entry = join(import.meta.dirname, 'scheduler-process.ts');
const execArgv = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

/** When a scheduler is to stop. */
export interface Stop {
  /** See moments.ts. */
  readonly moment: string;
  /** A version of the job: the moment is of a later one. */
  readonly above: string;
}

/** A scheduler in a process of its own, which can be stopped at a moment of its work, and killed there. */
export class StoppableScheduler {
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  /** @param folder for its files */
  constructor(metadata: string, folder: string) {
    this.#args = [metadata, folder];
  }

  async start(): Promise<void> {
    this.#process = fork(entry, this.#args, { execArgv });
    await this.#told('started');
  }

  /** Resolves when it has come to the moment, where it then waits. */
  async stopAt(stop: Stop): Promise<void> {
    this.#process!.send(stop);
    await this.#told('reached');
  }

  goOn(): void {
    this.#process!.send('go on');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async #told(word: string): Promise<void> {
    const ended = new AbortController();
    const child = this.#process!;
    const exit = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
      throw new Error(`The scheduler has ended (${code ?? signal}) before it was ${word}`);
    });
    const message = once(child, 'message', { signal: ended.signal });
    try {
      await Promise.race([message, exit]);
    } finally {
      ended.abort();
      for (const left of [message, exit]) left.catch(() => {});
    }
  }
}
