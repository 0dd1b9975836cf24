import { type Clock, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import { cubesDue } from '../build/maintenance-due.ts';
import type { SchedulerClients } from '../clients.ts';
import type { BuildHandler } from '../service/build-handler.ts';

export interface MaintenanceTimerOptions {
  readonly clients: SchedulerClients;
  readonly builds: BuildHandler;
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
  readonly retiredGraceMs: number;
}

/** Asks for maintenance of the cubes that need it, now and then, for as long as a term lasts. */
export async function runMaintenanceTimer(
  options: MaintenanceTimerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clients, builds, clock, log, intervalMs, retiredGraceMs } = options;
  if (intervalMs === 0) return;
  while (!signal.aborted) {
    await clock.sleep(intervalMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const due = await cubesDue(clients, clock.now() - BigInt(retiredGraceMs) * 1000n);
      for (const cube of due) await builds.runMaintenance({ cube, requestId: '' });
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'maintenance.check-failed');
    }
  }
}
