import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient, wait } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type longrunning, metadata, scheduler } from '@tessera/proto';
import {
  type Platform,
  type PlatformConfig,
  type PlatformSeams,
  platformDefaults,
  startPlatform,
} from '@tessera/standalone';
import { applyFile } from '../test-platform.ts';
import { cube, type SalesOptions, writeModel, writeSales } from './sales.ts';

const mega = 1024 * 1024;

export type Settings = Partial<PlatformConfig>;

/** Small, and quick to notice that its predecessor has died. */
export function smallConfig(folder: string, settings: Settings = {}): PlatformConfig {
  return {
    ...platformDefaults,
    dataDirectory: join(folder, 'data'),
    address: '127.0.0.1:0',
    cuboidMemoryBytes: 64 * mega,
    buildMemoryBytes: 256 * mega,
    queryMemoryBytes: 256 * mega,
    maintenanceIntervalMs: 0,
    ...settings,
    scheduler: { leaseTtlMs: 1_000, retiredGraceMs: 0, ...settings.scheduler },
  };
}

/** A platform over a folder of its own with the small shop in it, which can be stopped and started again. */
export class ScratchPlatform implements AsyncDisposable {
  readonly folder: string;
  #platform: Platform;

  private constructor(folder: string, platform: Platform) {
    this.folder = folder;
    this.#platform = platform;
  }

  static async start(settings: Settings = {}, seams: PlatformSeams = {}): Promise<ScratchPlatform> {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-lifecycle-'));
    const config = smallConfig(folder, settings);
    return new ScratchPlatform(folder, await startPlatform(config, silentLogger, seams));
  }

  /** With the shop's files written and its resources applied. */
  static async withSales(
    options: SalesOptions & { readonly months?: number } = {},
    settings: Settings = {},
    seams: PlatformSeams = {},
  ): Promise<ScratchPlatform> {
    const platform = await ScratchPlatform.start(settings, seams);
    writeSales(platform.folder, options.months);
    await platform.apply(options);
    return platform;
  }

  get client(): TesseraClient {
    return this.#platform.client;
  }

  get address(): string {
    return this.#platform.address;
  }

  get storageFolder(): string {
    return join(this.folder, 'data', 'storage');
  }

  apply(options: SalesOptions = {}): Promise<void> {
    return applyFile(this.client, writeModel(this.folder, options));
  }

  stop(): PromiseLike<void> {
    return this.#platform[Symbol.asyncDispose]();
  }

  /** Stops, unless that was done, and starts again over the same data. */
  async restart(settings: Settings = {}): Promise<void> {
    await this.#platform[Symbol.asyncDispose]();
    this.#platform = await startPlatform(smallConfig(this.folder, settings));
  }

  async build(
    request: Parameters<TesseraClient['builds']['buildSegments']>[0] = {},
  ): Promise<scheduler.BuildSegmentsResponse> {
    return this.built(await this.client.builds.buildSegments({ cube, ...request }));
  }

  built(operation: longrunning.Operation): Promise<scheduler.BuildSegmentsResponse> {
    return wait(this.client.operations, operation, { response: scheduler.BuildSegmentsResponse });
  }

  async maintain(): Promise<scheduler.RunMaintenanceResponse> {
    const operation = await this.client.builds.runMaintenance({ cube });
    const response = scheduler.RunMaintenanceResponse;
    return wait(this.client.operations, operation, { response });
  }

  /** Ids of the cube's segments in a state, by name. */
  async segments(state: 'READY' | 'RETIRED' = 'READY'): Promise<string[]> {
    const { resources } = await listAll(this.client, 'segments', { parent: cube });
    return resources
      .filter((segment) => segment.state === metadata.SegmentState[`SEGMENT_STATE_${state}`])
      .map(({ name }) => resourceIdOf(name))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#platform[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function reasonOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no failure',
    (error: { readonly reason?: string; readonly message: string }) =>
      error.reason ?? error.message,
  );
}
