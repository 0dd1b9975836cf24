import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, clientsOfDaemons, connect, type TesseraClient } from '@tessera/client';
import { DaemonProcesses } from '../daemon-processes.ts';
import { ended, listening, started } from '../lifecycle/command-line.ts';
import { StoppableScheduler } from './exactly-once/stoppable-scheduler.ts';
import { type FlinkGround, type HostsOptions, hostNames, portsOfHost } from './flink-ground.ts';
import { killAll, pidsBelow } from './processes-below.ts';

interface HostProcess {
  readonly child: ChildProcess;
  readonly address: string;
}

/** Every daemon is a process of its own, which can be killed. */
export class GroundApart implements FlinkGround {
  readonly folder: string;
  readonly #daemons: DaemonProcesses;
  readonly #hosts = new Map<string, HostProcess>();
  /** Options of each host that has ever run. */
  readonly #options = new Map<string, readonly string[]>();
  readonly #metadata: string;
  readonly #connection: Connection;
  readonly scheduler: StoppableScheduler;

  private constructor(folder: string, daemons: DaemonProcesses, metadata: string) {
    this.folder = folder;
    this.#daemons = daemons;
    this.#metadata = metadata;
    this.#connection = connect(metadata);
    this.scheduler = new StoppableScheduler(metadata, folder);
  }

  static async start({ names = hostNames, cutOffAfterMs }: HostsOptions = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-apart-'));
    const daemons = new DaemonProcesses();
    const metadata = await daemons.start('metadata', { file: join(folder, 'metadata.db') });
    const ground = new GroundApart(folder, daemons, metadata);
    const more = cutOffAfterMs === undefined ? [] : ['--cut-off-after', `${cutOffAfterMs / 1000}`];
    try {
      await ground.scheduler.start();
      for (const name of names) {
        const { first, last } = await portsOfHost();
        const data = ['--name', name, '--data', join(folder, name), '--port', '0'];
        ground.#options.set(name, [...data, '--ports', `${first}-${last}`, ...more]);
        await ground.startHost(name);
      }
      return ground;
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  get client(): TesseraClient {
    const metadata = this.#connection;
    return clientsOfDaemons({ metadata, storage: metadata, query: metadata });
  }

  get hosts(): ReadonlyMap<string, string> {
    return new Map([...this.#hosts].map(([name, { address }]) => [name, address]));
  }

  /** `kill -9` of a host daemon. */
  async endHost(name: string): Promise<void> {
    const { child } = this.#hosts.get(name)!;
    this.#hosts.delete(name);
    const end = ended(child);
    child.kill('SIGKILL');
    await end;
  }

  async killAndRestartHost(name: string): Promise<void> {
    await this.endHost(name);
    await this.startHost(name);
  }

  /** As when a machine loses its power: its daemon and all that it runs are gone at once, and none of them sees another one end. */
  async cutPower(name: string): Promise<void> {
    const { child } = this.#hosts.get(name)!;
    this.#hosts.delete(name);
    const end = ended(child);
    const pids = [child.pid!, ...pidsBelow(join(this.folder, name))];
    killAll(pids, 'SIGSTOP');
    killAll(pids, 'SIGKILL');
    await end;
  }

  /** Starts the daemon of a host that has none, over what it left. */
  async startHost(name: string): Promise<void> {
    const args = ['host', 'run', ...this.#options.get(name)!];
    const child = started(args, this.folder, this.#metadata);
    this.#hosts.set(name, { child, address: '' });
    this.#hosts.set(name, { child, address: await listening(child) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.kill();
    for (const { child } of this.#hosts.values()) child.kill('SIGKILL');
    // What hosts have started outlives them.
    for (const name of this.#options.keys()) {
      const folder = join(this.folder, name);
      for (let pids = pidsBelow(folder); pids.length > 0; pids = pidsBelow(folder)) {
        killAll(pids, 'SIGKILL');
      }
    }
    this.#connection.close();
    await this.#daemons[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
