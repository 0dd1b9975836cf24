import type { Clock } from '@tessera/base';
import type { CuboidScanner, DaemonWork, ScanOptions } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { ToldOfCall } from './told-of-call.ts';

/** Scans by the only storage daemon that there is, and tells what each call took. */
export class OnlyScanner implements CuboidScanner {
  readonly #daemon: string;
  readonly #scanner: CuboidScanner;
  readonly #clock: Clock;

  constructor(daemon: string, scanner: CuboidScanner, clock: Clock) {
    this.#daemon = daemon;
    this.#scanner = scanner;
    this.#clock = clock;
  }

  async *scan(plan: ScanPlan, options: ScanOptions): AsyncGenerator<ColumnBatch, void, undefined> {
    const { signal } = options;
    const startedMs = this.#clock.monotonicMs();
    const told = new ToldOfCall();
    let outcome: DaemonWork['outcome'] = 'abandoned';
    try {
      const listening = { ...options, ...told.listeners(options) };
      for await (const batch of this.#scanner.scan(plan, listening)) {
        told.rows(batch.rowCount);
        yield batch;
      }
      outcome = 'answered';
    } catch (error) {
      if (!signal.aborted) outcome = 'failed';
      throw error;
    } finally {
      options.onDaemonWork?.({
        daemon: this.#daemon,
        attempt: 'first',
        outcome,
        segmentCount: plan.segments.length,
        micros: Math.round((this.#clock.monotonicMs() - startedMs) * 1_000),
        ...told.soFar(),
      });
    }
  }
}
