import type { Clock } from '@tessera/base';
import type { AdmissionQueue } from '@tessera/duckdb';
import type { Meter } from '@tessera/telemetry';
import { storageMetrics } from '../metrics.ts';
import type { MemoryUsage } from './cuboid-store.ts';

/** Whether a scan read tiles or files. */
export type ScannedFrom = 'tiles' | 'files';

/** Takes the time of a scan and says, when it is over, what it was of. */
export type ScanObserver = (from: ScannedFrom, startedMs: number) => void;

export function scanObserver(meter: Meter, clock: Clock): ScanObserver {
  const scans = meter.counter(storageMetrics.scans);
  const duration = meter.histogram(storageMetrics.duration);
  return (from, startedMs) => {
    scans(1, { from });
    duration((clock.monotonicMs() - startedMs) / 1_000, { from });
  };
}

/** Registers what is read off the store when somebody looks. */
export function measureStore(meter: Meter, queue: AdmissionQueue, usage: () => MemoryUsage): void {
  meter.gauge(storageMetrics.running, () => [{ value: queue.working }]);
  meter.gauge(storageMetrics.queued, () => [{ value: queue.waiting }]);
  meter.gauge(storageMetrics.memory, () => [{ value: usage().memoryBytes }]);
  meter.gauge(storageMetrics.memoryBudget, () => [{ value: usage().budgetBytes }]);
  meter.gauge(storageMetrics.inMemory, () => [
    { value: usage().layouts.reduce((sum, layout) => sum + layout.segmentsInMemory, 0) },
  ]);
}
