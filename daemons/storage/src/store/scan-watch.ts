import type { Clock } from '@tessera/base';
import type { ScanWork } from '@tessera/client';
import type { TileWork } from '@tessera/columnar/tile';

const notTold: TileWork = { rowsScanned: 0, blocksRead: 0, blocksPruned: 0, tilesPruned: 0 };

/** The time of one scan, from when it was asked for. */
export class ScanWatch {
  readonly startedMs: number;
  readonly #clock: Clock;
  #admittedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.startedMs = clock.monotonicMs();
    this.#admittedMs = this.startedMs;
  }

  /** Its turn has come. */
  admitted(): void {
    this.#admittedMs = this.#clock.monotonicMs();
  }

  /** What it took up to now. Of files DuckDB does not tell how much it read. */
  work(source: ScanWork['source'], { tilesPruned, ...work }: TileWork = notTold): ScanWork {
    return {
      source,
      queueMicros: micros(this.#admittedMs - this.startedMs),
      scanMicros: micros(this.#clock.monotonicMs() - this.#admittedMs),
      ...work,
      segmentsPruned: tilesPruned,
    };
  }
}

function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000));
}
