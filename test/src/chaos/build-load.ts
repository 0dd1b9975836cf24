import { type Clock, type Random, resourceIdOf } from '@tessera/base';
import { wait } from '@tessera/client';
import { type longrunning, metadata } from '@tessera/proto';
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
  done = 0;
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
      try {
        await this.#change(stop);
        this.done++;
      } catch (error) {
        if (!stop.aborted) this.failures.add(error);
      }
      await this.#clock.sleep(pauseMs, stop).catch(() => {});
    }
  }

  /** Reads everything from the source again; tried until it is done. @throws what trying again does not help against */
  async refreshAll(deadline: AbortSignal): Promise<void> {
    for (let n = 0; ; n++) {
      deadline.throwIfAborted();
      try {
        const { builds } = this.#clients.whole(n);
        await this.#finish(
          await builds.refreshSegments({ cube: this.#cube, force: true }),
          n,
          deadline,
        );
        await this.#finish(
          await builds.buildSegments({ cube: this.#cube, onlyMissing: true }),
          n,
          deadline,
        );
        return;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#clock.sleep(pauseMs, deadline);
      }
    }
  }

  async #change(stop: AbortSignal): Promise<void> {
    const n = this.#random.integer(0, 1);
    const cube = this.#cube;
    const { builds, segments } = this.#clients.whole(n);
    switch (this.#random.pick(changes)) {
      case 'change':
        await this.#source.change();
        return this.#finish(await builds.refreshSegments({ cube }), n, stop);
      case 'refresh':
        return this.#finish(await builds.refreshSegments({ cube, force: true }), n, stop);
      case 'drop': {
        const listed = await segments.listSegments({ parent: cube });
        const ready = listed.segments.filter(
          ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
        );
        const names = ready.slice(0, 1).map(({ name }) => name);
        return this.#finish(await builds.dropSegments({ cube, segments: names }), n, stop);
      }
      case 'build':
        return this.#finish(await builds.buildSegments({ cube, onlyMissing: true }), n, stop);
      case 'merge':
        return this.#finish(await builds.mergeSegments({ cube, ...firstQuarter }), n, stop);
    }
  }

  /** Any response will do, as long as there is one. */
  async #finish(operation: longrunning.Operation, n: number, signal: AbortSignal): Promise<void> {
    const response = { decode: () => resourceIdOf(operation.name) };
    await wait(this.#clients.whole(n).operations, operation, { response, signal });
  }
}

const micros = (month: number) => BigInt(Date.UTC(2024, month - 1, 1)) * 1_000n;
const firstQuarter = { startMicros: micros(1), endMicros: micros(4) };
