import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Connection, connect, type TesseraClient } from '@tessera/client';
import { type Logger, silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { flink, host as wire } from '@tessera/proto';
import { expect } from 'vitest';
import { freePorts } from '../free-ports.ts';
import { ScratchPlatform } from '../lifecycle/scratch-platform.ts';

const mib = 2n ** 20n;
const portCount = 48;
const poll = { timeout: 180_000, interval: 50 };

/** A platform with host daemons in this process, for what needs no Flink that works. Disposing ends all that they run. */
export class PlainHosts implements AsyncDisposable {
  readonly #platform: ScratchPlatform;
  readonly #hosts = new Map<string, RunningHost>();
  readonly #firstPorts = new Map<string, number>();

  private constructor(platform: ScratchPlatform) {
    this.#platform = platform;
  }

  static async start(): Promise<PlainHosts> {
    const scheduler = { deploymentIntervalMs: 0, flinkIntervalMs: 100 };
    return new PlainHosts(await ScratchPlatform.start({ scheduler }));
  }

  get client(): TesseraClient {
    return this.#platform.client;
  }

  get folder(): string {
    return this.#platform.folder;
  }

  /** Of metadata. */
  get address(): string {
    return this.#platform.address;
  }

  /** A daemon that ran before goes on with what it had. */
  async run(name: string, log: Logger = silentLogger): Promise<void> {
    await this.#hosts.get(name)?.[Symbol.asyncDispose]();
    const first = this.#firstPorts.get(name) ?? (await freePorts(portCount));
    this.#firstPorts.set(name, first);
    const ports = { first, last: first + portCount - 1 };
    const config = { name, directory: join(this.folder, name), ports };
    const addresses = { address: '127.0.0.1:0', metadataAddress: this.address };
    this.#hosts.set(name, await runHost(config, addresses, log));
  }

  /** A cluster with one TaskManager on each host at most. */
  apply(id: string, change: Partial<flink.FlinkClusterSpec>): Promise<flink.FlinkCluster> {
    const value = { processBytes: 1024n * mib, slots: 1, cpuMillis: 10 };
    const spec = flink.FlinkClusterSpec.fromPartial({
      ...{ flinkVersion: '2.3.0', maxTaskManagersPerHost: 1 },
      jobManager: { processBytes: 900n * mib, cpuMillis: 10 },
      taskManagerSizing: { $case: 'taskManager', value },
      stateDirectory: pathToFileURL(join(this.folder, 'shared')).href,
      ...change,
    });
    const flinkCluster = { name: `flink-clusters/${id}`, spec };
    return this.client.flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
  }

  /** Empty before there is one. */
  status(id: string): Promise<flink.FlinkClusterStatus> {
    return this.client.flinkClusters
      .getFlinkClusterStatus({ name: `flink-cluster-statuses/${id}` })
      .catch(() => flink.FlinkClusterStatus.create());
  }

  /** Gives the name of an artifact that the host has afterwards. */
  async put(host: string, bytes: Uint8Array): Promise<string> {
    const name = `artifacts/${createHash('sha256').update(bytes).digest('hex')}`;
    const value = { name, sizeBytes: BigInt(bytes.length), displayName: '' };
    async function* parts() {
      yield { part: { $case: 'header' as const, value } };
      yield { part: { $case: 'chunk' as const, value: bytes } };
    }
    await this.#on(host, (client) => client.putArtifact(parts()));
    return name;
  }

  async artifacts(host: string): Promise<readonly wire.Artifact[]> {
    return (await this.#on(host, (client) => client.listArtifacts({}))).artifacts;
  }

  async processes(host: string): Promise<readonly wire.Process[]> {
    return (await this.#on(host, (client) => client.listProcesses({}))).processes;
  }

  /** Whether a cluster is left as it is. */
  async pause(id: string, paused: boolean): Promise<void> {
    const flinkCluster = { name: `flink-clusters/${id}`, paused };
    await this.client.flinkClusters.updateFlinkCluster({ flinkCluster, updateMask: ['paused'] });
  }

  /** As somebody does by hand who stops a process and starts it in another way. */
  async startOtherwise(
    host: string,
    id: string,
    change: (spec: wire.ProcessSpec) => wire.ProcessSpec,
  ): Promise<void> {
    const name = `processes/${id}`;
    const { spec } = (await this.processes(host)).find((process) => process.name === name)!;
    await this.#on(host, (client) => client.stopProcess({ name, gracePeriod: {} }));
    const state = async () => (await this.processes(host)).find((one) => one.name === name)?.state;
    await expect.poll(state, poll).toBe(wire.ProcessState.PROCESS_STATE_STOPPED);
    // What files hold is not told, but is there to be read.
    const work = join(this.folder, host, 'processes', id, 'work');
    const files = spec!.files.map(({ path }) =>
      wire.ProcessFile.fromPartial({ path, content: readFileSync(join(work, path), 'utf8') }),
    );
    const changed = change({ ...spec!, files });
    await this.#on(host, (client) => client.startProcess({ processId: id, spec: changed }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without the scheduler nobody starts anything again.
    await this.#platform.stop();
    for (const name of this.#hosts.keys()) {
      for (const process of await this.processes(name)) {
        await this.#on(name, (client) =>
          client.stopProcess({ name: process.name, gracePeriod: {} }),
        );
      }
      const pids = async () => (await this.processes(name)).filter(({ pid }) => pid > 0);
      await expect.poll(pids, poll).toEqual([]);
      await this.#hosts.get(name)![Symbol.asyncDispose]();
    }
    await this.#platform[Symbol.asyncDispose]();
  }

  async #on<T>(name: string, work: (host: Connection['host']) => Promise<T>): Promise<T> {
    using connection = connect(this.#hosts.get(name)!.address);
    return await work(connection.host); // Before the connection is closed.
  }
}
