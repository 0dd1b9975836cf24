import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

export type DaemonName = 'metadata' | 'storage' | 'query' | 'scheduler' | 'host';

/** Daemons by their own commands, each a process on a free loopback port. */
export class DaemonProcesses implements AsyncDisposable {
  readonly #running = new Map<DaemonName, ChildProcess>();

  /**
   * Gives its address once it serves.
   * @param through the command that runs it, such as one that changes what it sees
   * @throws with what it printed when it ends before
   */
  async start(
    name: DaemonName,
    options: Readonly<Record<string, string>>,
    through: readonly string[] = [],
  ): Promise<string> {
    const main = fileURLToPath(new URL(`../../daemons/${name}/src/main.ts`, import.meta.url));
    const given = Object.entries({ address: '127.0.0.1:0', ...options });
    const args = given.flatMap(([option, value]) => [`--${option}`, value]);
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const [program, ...rest] = [...through, process.execPath, ...flags, main, ...args];
    const child = spawn(program!, rest, { stdio: [...stdio] });
    this.#running.set(name, child);
    return addressOf(child);
  }

  /** Such as SIGSTOP, and SIGCONT for one that was stopped. */
  signal(name: DaemonName, signal: NodeJS.Signals): void {
    this.#running.get(name)?.kill(signal);
  }

  /** Gives the exit code; null after a signal that it did not handle. */
  async end(name: DaemonName, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#running.get(name)!;
    this.#running.delete(name);
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#running.keys()].reverse()) await this.end(name, 'SIGTERM');
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stderr!.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = /"address":"([^"]+)"/.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}
