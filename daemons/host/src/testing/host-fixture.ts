import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { host } from '@tessera/proto';
import { type ComposedHost, composeHost, type HostDependencies } from '../composition.ts';
import type { HostConfigInput } from '../config.ts';

export type HostClient = TesseraClient['host'];

/** A host daemon in this process over a folder of its own, which can be stopped and started again. */
export class HostFixture implements AsyncDisposable {
  readonly folder: string;
  #host: ComposedHost;
  client: HostClient;

  private constructor(folder: string, composed: ComposedHost) {
    this.folder = folder;
    this.#host = composed;
    this.client = clientOf(composed);
  }

  static async open(
    config: Partial<HostConfigInput> = {},
    dependencies: HostDependencies = {},
  ): Promise<HostFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-host-'));
    return new HostFixture(folder, await composeHost(configOf(folder, config), dependencies));
  }

  get contact(): ComposedHost['contact'] {
    return this.#host.contact;
  }

  async stop(): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }

  /** Stops, unless that was done, and starts again over the same folder. */
  async restart(
    config: Partial<HostConfigInput> = {},
    dependencies: HostDependencies = {},
  ): Promise<void> {
    await this.stop();
    this.#host = await composeHost(configOf(this.folder, config), dependencies);
    this.client = clientOf(this.#host);
  }

  start(
    processId: string,
    argv: readonly string[],
    spec: Parameters<typeof host.ProcessSpec.fromPartial>[0] = {},
  ): Promise<host.Process> {
    return this.client.startProcess({ processId, spec: { argv: [...argv], ...spec } });
  }

  /** Starts a shell script: what a test wants a program to do. */
  sh(
    processId: string,
    script: string,
    spec: Parameters<typeof host.ProcessSpec.fromPartial>[0] = {},
  ): Promise<host.Process> {
    return this.start(processId, ['/bin/sh', '-c', script], spec);
  }

  get(processId: string): Promise<host.Process> {
    return this.client.getProcess({ name: `processes/${processId}` });
  }

  /** Waits until a process is in a state. */
  async until(processId: string, state: StateName): Promise<host.Process> {
    return untilState(this.client, processId, state);
  }

  log(processId: string, request: Parameters<HostClient['readLogs']>[0] = {}): Promise<string> {
    return readLog(this.client, processId, request);
  }

  /** Waits until a process has printed a text; gives all that it printed. */
  async untilPrinted(processId: string, text: string): Promise<string> {
    let printed = '';
    const logs = this.client.readLogs({ name: `processes/${processId}`, follow: true });
    for await (const { data } of logs) {
      printed += data.toString();
      if (printed.includes(text)) return printed;
    }
    throw new Error(`${processId} ended without printing ${text}: ${printed}`);
  }

  /** Ends everything that a test has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart();
    const { processes } = await this.client.listProcesses({ pageSize: 1000 });
    for (const { name } of processes) await this.client.stopProcess({ name, gracePeriod: {} });
    for (const { name } of processes) await untilEnded(this.client, name);
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function configOf(folder: string, config: Partial<HostConfigInput>): HostConfigInput {
  return { name: 'h', directory: join(folder, 'host'), ...config };
}

function clientOf({ services }: ComposedHost): HostClient {
  return clientsBy(() => bindInProcess(services[0]!, silentLogger) as never).host;
}

export type StateName = 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'STOPPED' | 'EXITED';

export function stateOf({ state }: host.Process): StateName {
  const [name] = Object.entries(host.ProcessState).find(([, value]) => value === state)!;
  return name.replace('PROCESS_STATE_', '') as StateName;
}

export async function untilState(
  client: HostClient,
  processId: string,
  state: StateName,
): Promise<host.Process> {
  const name = `processes/${processId}`;
  return untilTrue(client, name, (process) => stateOf(process) === state);
}

export function untilEnded(client: HostClient, name: string): Promise<host.Process> {
  return untilTrue(client, name, (one) => ['STOPPED', 'EXITED'].includes(stateOf(one)));
}

/** Less than a test has, so that a failure says what it waited for. */
const longestWaitMs = 45_000;

/** Follows a process, without missing a change, until it is as wanted. */
export async function untilTrue(
  client: HostClient,
  name: string,
  isWanted: (process: host.Process) => boolean,
): Promise<host.Process> {
  const { revision } = await client.listProcesses({ pageSize: 1 });
  let latest = await client.getProcess({ name });
  if (isWanted(latest)) return latest;
  const signal = AbortSignal.timeout(longestWaitMs);
  try {
    for await (const { event } of client.watchProcesses(
      { startRevision: revision + 1n },
      { signal },
    )) {
      if (event?.$case !== 'put' || event.value.name !== name) continue;
      latest = event.value;
      if (isWanted(latest)) return latest;
    }
  } catch (error) {
    const now = host.Process.toJSON(await client.getProcess({ name }));
    throw new Error(`${name} is not as wanted: ${JSON.stringify(now)}`, { cause: error });
  }
  throw new Error(`the watch of ${name} ended at ${stateOf(latest)}`);
}

export async function readLog(
  client: HostClient,
  processId: string,
  request: Parameters<HostClient['readLogs']>[0] = {},
): Promise<string> {
  const parts: Uint8Array[] = [];
  const logs = client.readLogs({ name: `processes/${processId}`, tailLines: 1e6, ...request });
  for await (const { data } of logs) parts.push(data);
  return Buffer.concat(parts).toString();
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An upload in pieces, as it is announced or otherwise. */
export async function* upload(
  bytes: Uint8Array,
  announced: Partial<host.ArtifactHeader> = {},
  pieceBytes = 1 << 16,
): AsyncGenerator<host.PutArtifactRequest> {
  const header = {
    name: `artifacts/${digestOf(bytes)}`,
    sizeBytes: BigInt(bytes.length),
    displayName: 'a file',
    ...announced,
  };
  yield { part: { $case: 'header', value: header } };
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield { part: { $case: 'chunk', value: Buffer.from(bytes.subarray(at, at + pieceBytes)) } };
  }
}
