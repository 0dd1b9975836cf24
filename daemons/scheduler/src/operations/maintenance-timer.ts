import { type Clock, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import { collectGarbage, type GarbageOptions } from '../build/collect-garbage.ts';
import { cubesDue } from '../build/maintenance-due.ts';
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
      const due = await cubesDue(clients);
      const busy = await busyTargets(clients);
      for (const cube of due) {
        if (!busy.has(cube)) await builds.runMaintenance({ cube, requestId: '' });
      }
      if (due.length === 0) await collectGarbage(garbage);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'maintenance.check-failed');
    }
  }
}

/** What waits or runs already is not asked for again. */
async function busyTargets(clients: SchedulerClients): Promise<ReadonlySet<string>> {
  const { operationRecords } = await clients.operationRecords.listOperationRecords({
    states: [
      metadata.OperationState.OPERATION_STATE_PENDING,
      metadata.OperationState.OPERATION_STATE_RUNNING,
    ],
    pageSize: 1000,
  });
  return new Set(operationRecords.map(({ target }) => target));
}
