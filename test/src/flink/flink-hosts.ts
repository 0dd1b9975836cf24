import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Connection, connect, type TesseraClient } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { flink, type host as wire } from '@tessera/proto';
import { expect } from 'vitest';
import { freePorts } from '../free-ports.ts';
import { ScratchPlatform } from '../lifecycle/scratch-platform.ts';

const mib = 2n ** 20n;
/** Twice as many as are used: Flink has the upper half of a host's. */
const portCount = 24;
const poll = { timeout: 180_000, interval: 100 };
const cluster = 'flink-clusters/c';
const clusterStatus = 'flink-cluster-statuses/c';

/** Many checkpoints, and no hurry to call a process lost that a busy machine keeps from answering. */
export const patient = {
  'execution.checkpointing.interval': '500 ms',
  'heartbeat.timeout': '30000',
};

/** A platform with two host daemons on loopback, and a real Flink on them. Disposing ends all of it. */
export class FlinkHosts implements AsyncDisposable {
  readonly #platform: ScratchPlatform;
  readonly #hosts: readonly RunningHost[];
  readonly stateDirectory: string;
  readonly #bundle: string;

  private constructor(platform: ScratchPlatform, hosts: readonly RunningHost[], bundle: string) {
    this.#platform = platform;
    this.#hosts = hosts;
    this.#bundle = bundle;
    const folder = join(platform.folder, 'state');
    mkdirSync(folder);
    this.stateDirectory = pathToFileURL(folder).href;
  }

  /** @param flinkFolder with `lib`, `opt` and `plugins`, which one of the hosts is given as a bundle */
  static async start(flinkFolder: string): Promise<FlinkHosts> {
    const scheduler = { deploymentIntervalMs: 0, flinkIntervalMs: 200 };
    const platform = await ScratchPlatform.start({ scheduler });
    const hosts: RunningHost[] = [];
    for (const id of ['a', 'b']) {
      const first = await freePorts(portCount);
      const ports = { first, last: first + portCount - 1 };
      const config = { name: id, directory: join(platform.folder, id), ports };
      const addresses = { address: '127.0.0.1:0', metadataAddress: platform.address };
      hosts.push(await runHost(config, addresses, silentLogger));
    }
    const bundle = join(platform.folder, 'flink.tgz');
    const packed = ['-C', flinkFolder, 'lib', 'opt', 'plugins'];
    execFileSync('tar', ['--use-compress-program=gzip -1', '-cf', bundle, ...packed]);
    const started = new FlinkHosts(platform, hosts, await put(hosts[0]!, bundle));
    return started;
  }

  get client(): TesseraClient {
    return this.#platform.client;
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
    const status = await this.client.flinkClusters.getFlinkClusterStatus({ name: clusterStatus });
    return status.waitsFor;
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

  /** Of both hosts, by name. */
  async processes(): Promise<wire.Process[]> {
    const found = this.#hosts.map((host) => onHost(host, (client) => client.listProcesses({})));
    return (await Promise.all(found)).flatMap(({ processes }) => processes);
  }

  async pidOf(role: 'jm' | 'tm'): Promise<number> {
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
    for (const host of this.#hosts) await host[Symbol.asyncDispose]();
    await this.#platform[Symbol.asyncDispose]();
  }
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

async function put(host: RunningHost, file: string): Promise<string> {
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
  { address }: RunningHost,
  work: (host: Connection['host']) => Promise<T>,
): Promise<T> {
  using connection = connect(address);
  return await work(connection.host); // Before the connection is closed.
}
