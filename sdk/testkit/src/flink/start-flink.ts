import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressOf,
  type Command,
  clusterConfiguration,
  configYaml,
  type FlinkClusterSpec,
  jobManagerCommand,
  log4jProperties,
  type PlacedProcess,
  type ProcessRole,
  sqlGatewayCommand,
  taskManagerCommand,
} from '@tessera/flink';
import { freePorts } from '../free-ports.ts';
import { flinkFolder, flinkVersion } from './flink-folder.ts';
import { type FlinkProcess, JavaProcess } from './flink-process.ts';

export interface FlinkOptions {
  /** One unless told. Further ones are `startTaskManager`'s. */
  readonly taskManagers?: number;
  /** Of each TaskManager; 2 unless told. */
  readonly slots?: number;
  readonly sqlGateway?: boolean;
  /** Keys of Flink beside those that are computed. */
  readonly configuration?: Readonly<Record<string, string>>;
}

/** A session cluster on loopback, each process started by the command that hosts start it by. Disposing ends it and removes everything. */
export interface FlinkServers extends AsyncDisposable {
  /** Of the JobManager's REST interface. */
  readonly url: string;
  /** Of the SQL gateway; it answers when `sqlGateway` was wanted. */
  readonly sqlGatewayUrl: string;
  /** Where checkpoints and savepoints are, as a path. */
  readonly stateFolder: string;
  /** The jar of Flink's streaming examples. */
  readonly examplesJar: string;
  readonly jobManager: FlinkProcess;
  readonly taskManagers: readonly FlinkProcess[];
  /** One more; it is registered when this resolves. */
  startTaskManager(): Promise<FlinkProcess>;
}

const mib = 2 ** 20;
const address = '127.0.0.1';
const gatewaySize = { heapBytes: 384 * mib, metaspaceBytes: 256 * mib };

/** @throws Error when Flink is not installed or does not start; with the end of its log */
export async function startFlink(options: FlinkOptions = {}): Promise<FlinkServers> {
  const flink = flinkFolder();
  if (flink === undefined) {
    throw new Error('Flink is not installed; run scripts/install-test-deps.sh');
  }
  const cluster = new Cluster(flink, options, await freePorts(4));
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

class Cluster implements FlinkServers {
  readonly url: string;
  readonly sqlGatewayUrl: string;
  readonly stateFolder: string;
  readonly examplesJar: string;
  readonly jobManager: JavaProcess;
  readonly taskManagers: JavaProcess[] = [];
  readonly #options: FlinkOptions;
  readonly #flink: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tessera-flink-'));
  readonly #spec: FlinkClusterSpec;
  readonly #gateway: JavaProcess;

  constructor(flink: string, options: FlinkOptions, ports: readonly number[]) {
    const [rpcPort, restPort, blobPort, gatewayPort] = ports as [number, number, number, number];
    this.#options = options;
    this.#flink = flink;
    this.url = `http://${address}:${restPort}`;
    this.sqlGatewayUrl = `http://${address}:${gatewayPort}`;
    this.stateFolder = join(this.#folder, 'state');
    this.examplesJar = join(flink, 'examples', `flink-examples-streaming-${flinkVersion}.jar`);
    this.#spec = specOf(options, this.stateFolder);
    const jobManager = placed('jobmanager', 1, [rpcPort, restPort, blobPort]);
    this.#writeConfiguration(jobManager);
    this.jobManager = this.#process(
      'jobmanager',
      jobManagerCommand(this.#spec.jobManager, this.#paths('jobmanager')),
      () => answers(`${this.url}/overview`, () => true),
    );
    this.#gateway = this.#process(
      'gateway',
      sqlGatewayCommand(gatewaySize, placed('sql-gateway', 1, [gatewayPort]), address, {
        ...this.#paths('gateway'),
        flinkVersion,
      }),
      () => answers(`${this.sqlGatewayUrl}/v3/info`, () => true),
    );
  }

  async start(): Promise<void> {
    const { taskManagers = 1, sqlGateway = false } = this.#options;
    const starting = [this.jobManager.start(), ...(sqlGateway ? [this.#gateway.start()] : [])];
    for (let count = 0; count < taskManagers; count += 1) starting.push(this.#addTaskManager());
    // All of them are waited for, so that none is started after the cluster was ended.
    const ends = await Promise.allSettled(starting);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async startTaskManager(): Promise<FlinkProcess> {
    await this.#addTaskManager();
    return this.taskManagers.at(-1)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [this.#gateway, ...this.taskManagers, this.jobManager];
    await Promise.all(processes.map((process) => process.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #addTaskManager(): Promise<void> {
    const number = this.taskManagers.length + 1;
    const { taskManager } = this.#spec;
    // Flink chooses its ports by itself: nobody has to know them.
    const place = placed('taskmanager', number, [0, 0]);
    const paths = this.#paths(`taskmanager-${number}`);
    const process = this.#process(
      `taskmanager-${number}`,
      taskManagerCommand(taskManager, place, address, paths),
      () =>
        answers(`${this.url}/taskmanagers`, (text) =>
          text.includes(`"${place.cluster}-tm-${number}"`),
        ),
    );
    this.taskManagers.push(process);
    await process.start();
  }

  #process(name: string, command: Command, isServing: () => Promise<boolean>): JavaProcess {
    return new JavaProcess({ command, logFile: join(this.#folder, `${name}.log`), isServing });
  }

  #paths(name: string) {
    const scratch = join(this.#folder, name);
    mkdirSync(scratch, { recursive: true });
    return { flink: this.#flink, configuration: join(this.#folder, 'conf'), scratch };
  }

  #writeConfiguration(jobManager: PlacedProcess): void {
    const folder = join(this.#folder, 'conf');
    mkdirSync(folder);
    const keys = clusterConfiguration(this.#spec, addressOf(jobManager, address));
    writeFileSync(join(folder, 'config.yaml'), configYaml(keys));
    writeFileSync(join(folder, 'log4j.properties'), log4jProperties);
  }
}

function specOf(
  { slots = 2, taskManagers = 1, configuration = {} }: FlinkOptions,
  stateFolder: string,
): FlinkClusterSpec {
  return {
    flinkVersion,
    bundle: '',
    jobManager: { processBytes: 800 * mib },
    taskManager: { processBytes: 1_000 * mib, slots, managedFraction: 0.1 },
    taskManagerCount: taskManagers,
    stateDirectory: `file://${stateFolder}`,
    configuration,
  };
}

function placed(role: ProcessRole, number: number, ports: readonly number[]): PlacedProcess {
  return { cluster: 'test', role, number, host: address, ports };
}

async function answers(url: string, isRight: (text: string) => boolean): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return answer.ok && isRight(await answer.text());
  } catch {
    return false;
  }
}
