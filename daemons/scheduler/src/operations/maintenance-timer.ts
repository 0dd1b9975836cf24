import { type Clock, messageOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import { collectGarbage, type GarbageOptions } from '../build/collect-garbage.ts';
import { cubesDue, microsOf } from '../build/maintenance-due.ts';
import type { SchedulerClients } from '../clients.ts';
import type { BuildHandler } from '../service/build-handler.ts';

export interface MaintenanceTimerOptions {
  readonly clients: SchedulerClients;
  readonly builds: BuildHandler;
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
  readonly garbage: GarbageOptions;
}

const { OperationState } = metadata;
const waiting: ReadonlySet<metadata.OperationState> = new Set([
  OperationState.OPERATION_STATE_PENDING,
  OperationState.OPERATION_STATE_RUNNING,
]);
/** Maintenance that failed is tried again by itself after a quarter of an hour. */
const failedPauseMicros = 900_000_000n;

/**
 * Asks for maintenance of the cubes that need it, now and then, for as long as a term lasts, and deletes what nobody
 * needs: that bears repetition and needs no journal.
 */
export async function runMaintenanceTimer(
  options: MaintenanceTimerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clients, builds, clock, log, intervalMs, garbage } = options;
  if (intervalMs === 0) return;
  while (!signal.aborted) {
    await clock.sleep(intervalMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const due = await cubesDue(garbage.store, clock.now());
      const busy = await busyTargets(clients, clock.now());
      for (const cube of due) {
        if (!busy.has(cube)) await builds.runMaintenance({ cube, requestId: '' });
      }
      if (due.length === 0) await collectGarbage(garbage);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'maintenance.check-failed');
    }
  }
}

/** What waits or runs already is not asked for again, nor, for a while, what has failed. */
async function busyTargets(
  clients: SchedulerClients,
  nowMicros: bigint,
): Promise<ReadonlySet<string>> {
  const { resources } = await listAll(clients, 'operationRecords');
  const busy = resources.filter(({ kind, state, endTime }) => {
    if (waiting.has(state)) return true;
    const failed = state === OperationState.OPERATION_STATE_FAILED && kind === 'maintenance';
    return failed && microsOf(endTime) > nowMicros - failedPauseMicros;
  });
  return new Set(busy.map(({ target }) => target));
}
