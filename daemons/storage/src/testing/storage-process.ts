import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

/** A storage daemon as a process of its own, which a test may kill. */
export class StorageProcess implements AsyncDisposable {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start(directory: string, ...options: readonly string[]): Promise<StorageProcess> {
    const args = [...flags, main, '--directory', directory, '--address', '127.0.0.1:0', ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    return new StorageProcess(child, await printed(child, /"address":"([^"]+)"/));
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** What the pattern's group matches in what a daemon logs. @throws when it ends before. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stderr!.setEncoding('utf8').on('data', (more) => {
      text += more;
      const found = pattern.exec(text);
      if (found !== null) resolve(found[1]!);
    });
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}
