import { join } from 'node:path';
import type { TesseraClient } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { freePorts } from '../free-ports.ts';
import { ScratchPlatform } from '../lifecycle/scratch-platform.ts';

/** What carries out Flink in a test: metadata, a scheduler, and host daemons on loopback. */
export interface FlinkGround extends AsyncDisposable {
  /** For files of the test, which are gone with it. */
  readonly folder: string;
  readonly client: TesseraClient;
  /** Addresses of the host daemons that run, by name of their host. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Ends the daemon of a host; what it has started lives on. */
  endHost(name: string): Promise<void>;
}

export interface HostsOptions {
  readonly names?: readonly string[];
  /** As soon as a host that has lost its daemon ends Flink's processes. */
  readonly cutOffAfterMs?: number;
}

export const hostNames: readonly string[] = ['a', 'b'];

/** Twice as many as are used: Flink has the upper half of a host's. */
const portCount = 24;

/** Ports that a host may give to what it runs. */
export async function portsOfHost(): Promise<{ readonly first: number; readonly last: number }> {
  const first = await freePorts(portCount);
  return { first, last: first + portCount - 1 };
}

/** All daemons in this process. */
export class GroundInProcess implements FlinkGround {
  readonly #platform: ScratchPlatform;
  readonly #daemons = new Map<string, RunningHost>();

  private constructor(platform: ScratchPlatform) {
    this.#platform = platform;
  }

  static async start(): Promise<GroundInProcess> {
    const scheduler = { deploymentIntervalMs: 0, flinkIntervalMs: 200 };
    const ground = new GroundInProcess(await ScratchPlatform.start({ scheduler }));
    for (const name of hostNames) await ground.#startHost(name);
    return ground;
  }

  get folder(): string {
    return this.#platform.folder;
  }

  get client(): TesseraClient {
    return this.#platform.client;
  }

  get hosts(): ReadonlyMap<string, string> {
    return new Map([...this.#daemons].map(([name, { address }]) => [name, address]));
  }

  async endHost(name: string): Promise<void> {
    await this.#daemons.get(name)?.[Symbol.asyncDispose]();
    this.#daemons.delete(name);
  }

  async #startHost(name: string): Promise<void> {
    const { address: metadataAddress, folder } = this.#platform;
    const directory = join(folder, name);
    const config = { name, directory, ports: await portsOfHost() };
    const addresses = { address: '127.0.0.1:0', metadataAddress };
    this.#daemons.set(name, await runHost(config, addresses, silentLogger));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#daemons.keys()) await this.endHost(name);
    await this.#platform[Symbol.asyncDispose]();
  }
}
