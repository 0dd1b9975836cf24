import type { QuerySummary } from '@tessera/client';
import { metadata } from '@tessera/proto';
import type { Meter } from '@tessera/telemetry';
import type { Admission } from './admission/admission.ts';
import type { MetadataView } from './catalog/metadata-view.ts';
import { queryMetrics } from './metrics.ts';

const microsPerSecond = 1_000_000;

/** Counts statements as they end. */
export class QueryMeasures {
  readonly #queries;
  readonly #duration;
  readonly #stage;
  readonly #planCache;

  constructor(meter: Meter) {
    this.#queries = meter.counter(queryMetrics.queries);
    this.#duration = meter.histogram(queryMetrics.duration);
    this.#stage = meter.histogram(queryMetrics.stage);
    this.#planCache = meter.counter(queryMetrics.planCache);
  }

  planned(cached: boolean): void {
    this.#planCache(1, { result: cached ? 'hit' : 'miss' });
  }

  succeeded({ planKind: plan, timings }: QuerySummary): void {
    this.#queries(1, { outcome: 'OK', plan });
    this.#duration(secondsOf(timings.totalMicros), { plan });
    this.#stage(secondsOf(timings.queueMicros), { stage: 'queue' });
    this.#stage(secondsOf(timings.planMicros), { stage: 'plan' });
    this.#stage(secondsOf(timings.executeMicros), { stage: 'execute' });
  }

  failed(reason: string, plan: string, durationMicros: bigint): void {
    this.#queries(1, { outcome: reason, plan });
    this.#duration(secondsOf(durationMicros), { plan });
  }
}

function secondsOf(micros: bigint): number {
  return Number(micros) / microsPerSecond;
}

const stateNames = new Map([
  [metadata.SegmentState.SEGMENT_STATE_BUILDING, 'building'],
  [metadata.SegmentState.SEGMENT_STATE_READY, 'ready'],
  [metadata.SegmentState.SEGMENT_STATE_RETIRED, 'retired'],
]);

/** Registers what is read off the daemon's parts when somebody looks. */
export function measureState(meter: Meter, admission: Admission, view: MetadataView): void {
  const countOf = (queued: boolean) =>
    admission.running().filter(({ state }) => (state === 'QUEUED') === queued).length;
  meter.gauge(queryMetrics.running, () => [{ value: countOf(false) }]);
  meter.gauge(queryMetrics.queued, () => [{ value: countOf(true) }]);
  meter.gauge(queryMetrics.memory, () => [{ value: admission.heldBytes }]);
  meter.gauge(queryMetrics.metadataRevision, () => [{ value: Number(view.revision) }]);
  meter.gauge(queryMetrics.watchSilence, () => [{ value: view.silenceMs() / 1_000 }]);
  meter.gauge(queryMetrics.segments, () => {
    const counts = view.segments.counts();
    return [...stateNames].map(([state, name]) => ({
      value: counts.get(state) ?? 0,
      labels: { state: name },
    }));
  });
}
