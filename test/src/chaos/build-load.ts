import { type Clock, isTesseraError, type Random } from '@tessera/base';
import { wait } from '@tessera/client';
import { type longrunning, metadata, scheduler } from '@tessera/proto';
import type { ClusterClients } from '@tessera/testkit/cluster';
import { FailureCounts, isRetryable } from './failures.ts';
import type { SourceData } from './source-data.ts';

const pauseMs = 300;
/** Data change rarely, because until they are built again most questions are the source's. */
const changes = [
  'change',
  'refresh',
  'refresh',
  'drop',
  'build',
  'build',
  'build',
  'merge',
] as const;

/** Somebody who changes the source and has segments built, refreshed, merged and dropped, by either scheduler. */
export class BuildLoad {
  readonly failures = new FailureCounts();
  /** Operations that a scheduler has taken on. */
  readonly acknowledged: string[] = [];
  /** Segments that they have published. */
  published = 0;
  readonly #clients: ClusterClients;
  readonly #source: SourceData;
  readonly #cube: string;
  readonly #random: Random;
  readonly #clock: Clock;

  constructor(parts: {
    readonly clients: ClusterClients;
    readonly source: SourceData;
    readonly cube: string;
    readonly random: Random;
    readonly clock: Clock;
  }) {
    this.#clients = parts.clients;
    this.#source = parts.source;
    this.#cube = parts.cube;
    this.#random = parts.random;
    this.#clock = parts.clock;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#change(stop).catch((error: unknown) => {
        if (!stop.aborted) this.failures.add(error);
      });
      await this.#clock.sleep(pauseMs, stop).catch(() => {});
    }
  }

  /** Reads everything from the source again; tried until it is done. @throws what trying again does not help against */
  async refreshAll(deadline: AbortSignal): Promise<void> {
    for (let n = 0; ; n++) {
      deadline.throwIfAborted();
      try {
        const { builds } = this.#clients.whole(n);
        const cube = this.#cube;
        await this.#publish(await builds.refreshSegments({ cube, force: true }), n, deadline);
        await this.#publish(await builds.buildSegments({ cube, onlyMissing: true }), n, deadline);
        return;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#clock.sleep(pauseMs, deadline);
      }
    }
  }

  /** Deletes what nobody refers to any more and is old enough. */
  async collectGarbage(n: number, signal: AbortSignal): Promise<void> {
    const operation = await this.#clients.whole(n).builds.runMaintenance({ cube: this.#cube });
    await this.#finish(operation, scheduler.RunMaintenanceResponse, n, signal);
  }

  /** Operations that were taken on, and that the n-th scheduler does not know or that have not ended. */
  async unfinished(n: number): Promise<readonly string[]> {
    const { operations } = this.#clients.whole(n);
    const found: string[] = [];
    for (const name of this.acknowledged) {
      const operation = await operations.getOperation({ name }).catch((error: unknown) => {
        if (isTesseraError(error, 'OPERATION_NOT_FOUND')) return undefined;
        throw error;
      });
      if (operation === undefined) found.push(`${name} is not there`);
      else if (!operation.done) found.push(`${name} has not ended`);
    }
    return found;
  }

  async #change(stop: AbortSignal): Promise<void> {
    const n = this.#random.integer(0, 1);
    const cube = this.#cube;
    const { builds } = this.#clients.whole(n);
    switch (this.#random.pick(changes)) {
      case 'change':
        await this.#source.change();
        return this.#publish(await builds.refreshSegments({ cube }), n, stop);
      case 'refresh':
        return this.#publish(await builds.refreshSegments({ cube, force: true }), n, stop);
      case 'drop':
        return this.#drop(n, stop);
      case 'build':
        return this.#publish(await builds.buildSegments({ cube, onlyMissing: true }), n, stop);
      case 'merge':
        return this.#publish(await builds.mergeSegments({ cube, ...firstQuarter }), n, stop);
    }
  }

  async #drop(n: number, signal: AbortSignal): Promise<void> {
    const { builds, segments } = this.#clients.whole(n);
    const listed = await segments.listSegments({ parent: this.#cube });
    const ready = listed.segments.filter(
      ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
    );
    const names = ready.slice(0, 1).map(({ name }) => name);
    const operation = await builds.dropSegments({ cube: this.#cube, segments: names });
    await this.#finish(operation, scheduler.DropSegmentsResponse, n, signal);
  }

  async #publish(operation: longrunning.Operation, n: number, signal: AbortSignal): Promise<void> {
    const response = await this.#finish(operation, scheduler.BuildSegmentsResponse, n, signal);
    this.published += response.segments.length;
  }

  #finish<T>(
    operation: longrunning.Operation,
    response: { readonly decode: (bytes: Uint8Array) => T },
    n: number,
    signal: AbortSignal,
  ): Promise<T> {
    this.acknowledged.push(operation.name);
    return wait(this.#clients.whole(n).operations, operation, { response, signal });
  }
}

const micros = (month: number) => BigInt(Date.UTC(2024, month - 1, 1)) * 1_000n;
const firstQuarter = { startMicros: micros(1), endMicros: micros(4) };
