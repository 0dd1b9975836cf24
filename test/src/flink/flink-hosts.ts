import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Connection, connect, type TesseraClient } from '@tessera/client';
import { flink, type host as wire } from '@tessera/proto';
import { expect } from 'vitest';
import { type FlinkGround, GroundInProcess } from './flink-ground.ts';
import { JobOnHosts } from './job-on-hosts.ts';

const mib = 2n ** 20n;
const poll = { timeout: 180_000, interval: 100 };
export const cluster = 'flink-clusters/c';
const clusterStatus = 'flink-cluster-statuses/c';

/** Many checkpoints, and no hurry to call a process lost that a busy machine keeps from answering. */
export const patient = {
  'execution.checkpointing.interval': '500 ms',
  'heartbeat.timeout': '30000',
};

/** A platform with host daemons on loopback, and a real Flink on them. Disposing ends all of it. */
export class FlinkHosts implements AsyncDisposable {
  readonly #ground: FlinkGround;
  /** Of hosts that have lost their daemon. */
  readonly #left: number[] = [];
  readonly stateDirectory: string;
  readonly #bundle: string;

  private constructor(ground: FlinkGround, bundle: string) {
    this.#ground = ground;
    this.#bundle = bundle;
    const folder = join(ground.folder, 'state');
    mkdirSync(folder);
    this.stateDirectory = pathToFileURL(folder).href;
  }

  /**
   * All daemons in this process.
   *
   * @param flinkFolder with `lib`, `opt` and `plugins`, which one of the hosts is given as a bundle
   */
  static async start(flinkFolder: string): Promise<FlinkHosts> {
    return FlinkHosts.on(await GroundInProcess.start(), flinkFolder);
  }

  /** @param ground which is ended with these hosts */
  static async on(ground: FlinkGround, flinkFolder: string): Promise<FlinkHosts> {
    return new FlinkHosts(ground, await putBundle(anyOf(ground.hosts), flinkFolder));
  }

  /** What a cluster says to run another version of Flink, which one of the hosts is given. */
  async version(
    flinkVersion: string,
    flinkFolder: string,
  ): Promise<Pick<flink.FlinkClusterSpec, 'flinkVersion' | 'bundle'>> {
    const digest = await putBundle(anyOf(this.#ground.hosts), flinkFolder);
    return { flinkVersion, bundle: `artifacts/${digest}` };
  }

  get client(): TesseraClient {
    return this.#ground.client;
  }

  /** Gives the digest of a file that one of the hosts has afterwards. */
  put(file: string): Promise<string> {
    return put(anyOf(this.#ground.hosts), file);
  }

  async apply(
    change: Partial<flink.FlinkClusterSpec> = {},
    taskManagers = 2,
  ): Promise<flink.FlinkCluster> {
    const spec = flink.FlinkClusterSpec.fromPartial({
      flinkVersion: '2.3.0',
      bundle: `artifacts/${this.#bundle}`,
      jobManager: { processBytes: 900n * mib, cpuMillis: 100 },
      taskManagerSizing: {
        $case: 'taskManager',
        value: {
          processBytes: 900n * mib,
          slots: 2,
          cpuMillis: 100,
          managed: { $case: 'managedFraction', value: 0.1 },
        },
      },
      taskManagerCount: taskManagers,
      maxTaskManagersPerHost: 1,
      stateDirectory: this.stateDirectory,
      configuration: patient,
      ...change,
    });
    const flinkCluster = { name: cluster, spec };
    return await this.client.flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
  }

  /** What the status says that the cluster waits for. */
  async waitsFor(): Promise<string> {
    return (await this.status()).waitsFor;
  }

  async status(): Promise<flink.FlinkClusterStatus> {
    return await this.client.flinkClusters.getFlinkClusterStatus({ name: clusterStatus });
  }

  /** Waits until a version is carried out. */
  async untilUp({ version }: flink.FlinkCluster): Promise<void> {
    const settled = async () => {
      const status = await this.client.flinkClusters
        .getFlinkClusterStatus({ name: clusterStatus })
        .catch(() => undefined);
      return status === undefined ? 'no status' : [status.version, status.waitsFor];
    };
    await expect.poll(settled, poll).toEqual([version, '']);
  }

  /** A job on the cluster, which need not be there yet. */
  job(id: string): JobOnHosts {
    return new JobOnHosts(this.client, id);
  }

  /** Of all hosts that have their daemon. */
  async processes(): Promise<readonly wire.Process[]> {
    const all = await Promise.all(
      [...this.#ground.hosts.keys()].map((name) => this.processesOn(name)),
    );
    return all.flat();
  }

  async processesOn(name: string): Promise<readonly wire.Process[]> {
    const host = this.#ground.hosts.get(name)!;
    return (await onHost(host, (client) => client.listProcesses({}))).processes;
  }

  /** The name of the host on which a role runs. */
  async hostOf(role: 'jm' | 'tm'): Promise<string> {
    for (const name of this.#ground.hosts.keys()) {
      const ids = (await this.processesOn(name)).map((process) => process.name);
      if (ids.some((id) => id.startsWith(`processes/c-${role}-`))) return name;
    }
    throw new Error(`c-${role} runs nowhere.`);
  }

  async setDraining(name: string, draining: boolean): Promise<void> {
    const host = { name: `hosts/${name}`, draining };
    await this.client.hosts.updateHost({ host, updateMask: ['draining'] });
  }

  /** Hosts on which something of the cluster may run. */
  async inUse(): Promise<string[]> {
    return [
      ...new Set((await this.#mayRun()).map(({ host }) => host.slice('hosts/'.length))),
    ].sort();
  }

  /** Processes on hosts of which the cluster knows nothing, or nothing any more. */
  async strays(): Promise<string[]> {
    const strays = [...this.#ground.hosts.keys()].map(async (name) => {
      const there = await this.processesOn(name);
      const mayRun = (await this.#mayRun()).filter(({ host }) => host === `hosts/${name}`);
      const known = new Set(mayRun.map(({ process }) => process));
      return there.filter((process) => !known.has(process.name)).map((one) => one.name);
    });
    return (await Promise.all(strays)).flat();
  }

  async #mayRun(): Promise<readonly flink.StartedFlinkProcess[]> {
    return (await this.status()).started;
  }

  /** Ends the daemon of a host; what it runs lives on. Gives the pids. */
  async loseDaemon(name: string): Promise<number[]> {
    const pids = (await this.processesOn(name)).map(({ pid }) => pid).filter((pid) => pid > 1);
    this.#left.push(...pids);
    await this.#ground.endHost(name);
    return pids;
  }

  async pidOf(role: 'jm' | 'tm' | 'sql'): Promise<number> {
    const all = await this.processes();
    return all.find(({ name }) => name.startsWith(`processes/c-${role}-`))!.pid;
  }

  /** Where the JobManager's REST interface is. */
  async restUrl(): Promise<string> {
    const all = await this.processes();
    const jobManager = all.find(({ name }) => name.startsWith('processes/c-jm-'));
    return `http://${jobManager!.spec!.environment['TESSERA_FLINK_REST']}`;
  }

  async delete(): Promise<void> {
    await this.client.flinkClusters.deleteFlinkCluster({ name: cluster, allowMissing: true });
    await expect.poll(() => this.processes(), poll).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of await this.processes().catch(() => [])) killGroup(process.pid);
    for (const pid of this.#left) killGroup(pid);
    await this.#ground[Symbol.asyncDispose]();
  }
}

function anyOf(hosts: ReadonlyMap<string, string>): string {
  const [address] = hosts.values();
  return address!;
}

/** Only what a host of this test has started. */
function killGroup(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function putBundle(host: string, flinkFolder: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-bundle-'));
  try {
    const bundle = join(folder, 'flink.tgz');
    const packed = ['-C', flinkFolder, 'lib', 'opt', 'plugins'];
    // Beside what host daemons of this process do: held up for so long, they are cut off.
    await promisify(execFile)('tar', ['--use-compress-program=gzip -1', '-cf', bundle, ...packed]);
    return await put(host, bundle);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function put(host: string, file: string): Promise<string> {
  const bytes = readFileSync(file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const header = { name: `artifacts/${digest}`, sizeBytes: BigInt(bytes.length), displayName: '' };
  async function* parts() {
    yield { part: { $case: 'header' as const, value: header } };
    const size = 1 << 20;
    for (let at = 0; at < bytes.length; at += size) {
      yield { part: { $case: 'chunk' as const, value: bytes.subarray(at, at + size) } };
    }
  }
  await onHost(host, (client) => client.putArtifact(parts()));
  return digest;
}

async function onHost<T>(
  address: string,
  work: (host: Connection['host']) => Promise<T>,
): Promise<T> {
  using connection = connect(address);
  return await work(connection.host); // Before the connection is closed.
}
