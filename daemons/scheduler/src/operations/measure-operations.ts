import { type Clock, isTesseraError } from '@tessera/base';
import type { Meter } from '@tessera/telemetry';
import { schedulerMetrics } from '../metrics.ts';
import type { OperationKind } from './operation.ts';

/**
 * Gives the same kinds of work, with their runs counted and timed. Kinds are made anew for every attempt; what they
 * are counted in is made once, for the kinds of these names.
 */
export function measuredKinds(
  names: readonly string[],
  meter: Meter,
  clock: Clock,
): (kinds: readonly OperationKind[]) => readonly OperationKind[] {
  const operations = meter.counter(schedulerMetrics.operations);
  const duration = meter.histogram(schedulerMetrics.duration);
  const running = new Map(names.map((name) => [name, 0]));
  meter.gauge(schedulerMetrics.running, () =>
    [...running].map(([kind, value]) => ({ value, labels: { kind } })),
  );
  return (kinds) => kinds.map(measured);

  function measured(inner: OperationKind): OperationKind {
    const { kind } = inner;
    const change = (by: number) => running.set(kind, running.get(kind)! + by);
    return {
      kind,
      cleanUp: (context) => inner.cleanUp(context),
      async run(context) {
        const startedMs = clock.monotonicMs();
        let outcome = 'OK';
        change(1);
        try {
          return await inner.run(context);
        } catch (error) {
          outcome = isTesseraError(error) ? error.reason : 'INTERNAL';
          throw error;
        } finally {
          change(-1);
          operations(1, { kind, outcome });
          duration((clock.monotonicMs() - startedMs) / 1_000, { kind });
        }
      },
    };
  }
}
