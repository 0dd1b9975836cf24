import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { invariant, systemClock } from '@tessera/base';
import { type Connection, connect } from '@tessera/client';
import type { host as wire } from '@tessera/proto';
import { HostNetwork } from '../cluster/host-network.ts';
import { freePorts } from '../free-ports.ts';
import { hostDaemon, platformDaemon, tesseraCommand } from './stage-daemons.ts';
import { kill, killGroup, type StageProcess, stageProcessOf } from './stage-processes.ts';

const insecure = { transport: { insecure: true } };
const loopback = '127.0.0.1';
const hostPort = 7450;
/** Flink has half of them. */
const portsOfHost = 64;
const lookMs = 2_000;
const registrationLimitMs = 120_000;
const pollMs = 100;

interface HostProcess {
  readonly process: wire.Process;
  /** Number of its host. */
  readonly host: number;
}

interface Parts {
  readonly folder: string;
  readonly platform: string;
  readonly network: HostNetwork | undefined;
  readonly client: Connection;
  readonly hosts: readonly Connection[];
  readonly daemons: AsyncDisposableStack;
  readonly rest: AsyncDisposableStack;
}

/**
 * A platform by `tessera up` and hosts by `tessera host run`, each a process of its own, as users run them: hosts in network namespaces where those can be made, else all on loopback.
 * Disposing ends everything that was started there.
 */
export class FlinkStage implements AsyncDisposable {
  readonly client: Connection;
  readonly folder: string;
  readonly hostCount: number;
  readonly #parts: Parts;
  #end: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.client = parts.client;
    this.folder = parts.folder;
    this.hostCount = parts.hosts.length;
    this.#parts = parts;
  }

  static async start(hostCount: number): Promise<FlinkStage> {
    await using stack = new AsyncDisposableStack();
    await using daemons = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-stage-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    mkdirSync(join(folder, 'state'));
    const canNetwork = HostNetwork.unusable() === undefined;
    const network = canNetwork ? stack.use(new HostNetwork(hostCount)) : undefined;
    const [port, ...ownPorts] = await freePorts(1 + hostCount);
    const at = network?.clientAddress ?? loopback;
    const platform = `${at}:${port}`;
    const client = stack.use(connect(platform, insecure));
    await daemons.use(platformDaemon({ folder, address: at, port: port! }, client)).start();
    const hosts = await Promise.all(
      ownPorts.map(async (own, host) => {
        const place = network
          ? { address: network.address(host), port: hostPort, on: network.on(host) }
          : { address: loopback, port: own, on: [] };
        const connection = stack.use(connect(`${place.address}:${place.port}`, insecure));
        const ports = portsOf(host, network === undefined);
        const daemon = hostDaemon({ ...{ folder, host, platform, ports }, ...place }, connection);
        await daemons.use(daemon).start();
        return connection;
      }),
    );
    await untilRegistered(client, hostCount);
    const parts = { folder, platform, network, client, hosts };
    return new FlinkStage({ ...parts, daemons: daemons.move(), rest: stack.move() });
  }

  /** `host:port` where the platform is. */
  get platform(): string {
    return this.#parts.platform;
  }

  /** Where checkpoints and savepoints are. */
  get stateDirectory(): string {
    return pathToFileURL(join(this.folder, 'state')).href;
  }

  /** Whether hosts can be taken off the network. */
  get hasNetwork(): boolean {
    return this.#parts.network !== undefined;
  }

  /** A `tessera` command against the platform: the program and its arguments. */
  command(...args: readonly string[]): readonly string[] {
    return tesseraCommand('--insecure', '--address', this.#parts.platform, ...args);
  }

  /** Runs a `tessera` command against the platform, and gives what it prints. */
  async tessera(...args: readonly string[]): Promise<string> {
    const [program, ...argv] = this.command(...args);
    return (await promisify(execFile)(program!, argv)).stdout;
  }

  /** Those of Flink. A host that does not answer has none. */
  async processes(): Promise<readonly StageProcess[]> {
    const all = await this.#allProcesses();
    return all.flatMap(({ process, host }) => stageProcessOf(process, host) ?? []);
  }

  /** Where the JobManager's REST interface is; `undefined`: none runs. Hosts that do not answer are not waited for when another one has it. */
  async jobManagerUrl(): Promise<string | undefined> {
    const asked = this.#parts.hosts.map(async (_, host) => {
      const all = await this.#processesOf(host);
      const flink = all.flatMap((process) => stageProcessOf(process, host) ?? []);
      const found = flink.find(({ role, isRunning }) => role === 'jobmanager' && isRunning);
      if (found?.rest === undefined) throw new Error(`None runs on host ${host}.`);
      return `http://${found.rest}`;
    });
    return await Promise.any(asked).catch(() => undefined);
  }

  /** Takes a host off the network, or back on. */
  setLink(host: number, state: 'up' | 'down'): void {
    invariant(this.#parts.network, 'hosts on loopback cannot be taken off it');
    this.#parts.network.setLink(host, state);
  }

  /** May be asked for again, also while it goes on. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#end ??= this.#endAll();
    return this.#end;
  }

  /** Daemons first: they would start again what ends. */
  async #endAll(): Promise<void> {
    const { network, hosts, daemons, rest } = this.#parts;
    const known = await this.#allProcesses();
    await daemons.disposeAsync();
    for (const { process } of known) killGroup(process.pid);
    if (network !== undefined) {
      for (const pid of hosts.flatMap((_, host) => network.processes(host))) kill(pid);
    }
    await rest.disposeAsync();
  }

  async #allProcesses(): Promise<readonly HostProcess[]> {
    const found = this.#parts.hosts.map(async (_, host) =>
      (await this.#processesOf(host)).map((process) => ({ process, host })),
    );
    return (await Promise.all(found)).flat();
  }

  async #processesOf(host: number): Promise<readonly wire.Process[]> {
    const signal = AbortSignal.timeout(lookMs);
    const asked = this.#parts.hosts[host]!.host.listProcesses({}, { signal });
    return (await asked.catch(() => undefined))?.processes ?? [];
  }
}

async function untilRegistered({ hosts }: Connection, count: number): Promise<void> {
  const limit = AbortSignal.timeout(registrationLimitMs);
  while ((await hosts.listHosts({}, { signal: limit })).hosts.length < count) {
    await systemClock.sleep(pollMs, limit);
  }
}

/** On loopback all hosts share the machine's, and other programs may run beside them. */
function portsOf(host: number, isShared: boolean): readonly [first: number, last: number] {
  const first = isShared ? 21_000 + (process.pid % 32) * 256 + host * portsOfHost : 21_000;
  return [first, first + portsOfHost - 1];
}
