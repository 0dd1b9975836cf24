import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connection, connect } from '@tessera/client';
import { type HostClient, untilEnded } from './host-fixture.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];

/** A host daemon as a process of its own, which a test may kill and start again over the same folder. */
export class DaemonProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tessera-host-'));
  readonly #metadataAddress: string;
  readonly #options: readonly string[];
  readonly #through: readonly string[];
  #child: ChildProcess | undefined;
  #connection: Connection | undefined;

  /** @param through the command that runs it, such as one that changes what it sees */
  constructor(
    metadataAddress = '127.0.0.1:1',
    options: readonly string[] = [],
    through: readonly string[] = [],
  ) {
    this.#metadataAddress = metadataAddress;
    this.#through = through;
    this.#options = options;
  }

  get client(): HostClient {
    return this.#connection!.host;
  }

  get directory(): string {
    return join(this.folder, 'host');
  }

  async start(): Promise<void> {
    const child = this.spawn();
    this.#child = child;
    const address = await printed(child, /"address":"([^"]+)"/);
    this.#connection = connect(address);
  }

  /** Another daemon on the same folder. */
  spawn(): ChildProcess {
    const own = ['--directory', this.directory, '--metadata', this.#metadataAddress];
    const options = [...own, ...this.#options];
    const args = [...flags, main, '--name', 'h', '--address', '127.0.0.1:0', ...options];
    const [program, ...rest] = [...this.#through, process.execPath, ...args];
    return spawn(program!, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Ends everything that a test has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#connection === undefined) await this.start();
    const { processes } = await this.client.listProcesses({ pageSize: 1000 });
    for (const { name } of processes) {
      await this.client.stopProcess({ name, gracePeriod: {} });
      await untilEnded(this.client, name);
    }
    await this.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What the pattern's group matches in what a daemon logs. @throws when it ends before. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
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
