import { randomUUID } from 'node:crypto';
import { type Clock, invariant, systemClock } from '@tessera/base';
import {
  type Logger,
  PluginHost,
  type ServiceBinding,
  SourceRegistry,
  serve,
} from '@tessera/daemon';
import type { Engine } from '@tessera/plugin';
import { longrunning, scheduler } from '@tessera/proto';
import { loadParser } from '@tessera/sql';
import { type Meter, noMeter } from '@tessera/telemetry';
import { BuildOperation } from './build/build-operation.ts';
import { DropOperation } from './build/drop-operation.ts';
import { MaintenanceOperation } from './build/maintenance-operation.ts';
import { MergeOperation } from './build/merge-operation.ts';
import type { SchedulerClients } from './clients.ts';
import type { SchedulerConfig } from './config.ts';
import { Leadership } from './leader/leadership.ts';
import { schedulerMetrics } from './metrics.ts';
import { runMaintenanceTimer } from './operations/maintenance-timer.ts';
import { measuredKinds } from './operations/measure-operations.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import { PlanOperation } from './plan/plan-operation.ts';
import { BuildHandler } from './service/build-handler.ts';
import { OperationsHandler } from './service/operations-handler.ts';

export interface SchedulerDependencies {
  readonly clients: SchedulerClients;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly meter?: Meter;
}

/** A scheduler that waits for `start`; `services` answer at once. */
export interface Scheduler extends AsyncDisposable {
  readonly services: readonly ServiceBinding[];
  start(): void;
}

/** Everything the scheduler daemon is made of. */
export async function composeScheduler(
  config: SchedulerConfig,
  deps: SchedulerDependencies,
): Promise<Scheduler> {
  invariant(config.leaseTtlMs >= 1_000, 'leaseTtlMs is a second or more: metadata grants no less');
  await loadParser();
  const { clients, log, clock = systemClock, meter = noMeter } = deps;
  const stopping = new AbortController();
  const fallback =
    config.pluginDirectory === undefined ? {} : { fallbackDirectory: config.pluginDirectory };
  const registry = new SourceRegistry({ log, workDirectory: config.workDirectory, ...fallback });
  const plugins = new PluginHost({
    log,
    workDirectory: config.workDirectory,
    ...fallback,
  });
  let engine: Promise<Engine> | undefined;
  const leadership = new Leadership({
    leases: clients.leases,
    clock,
    log,
    holder: `scheduler-${process.pid}-${randomUUID()}`,
    ttlMs: config.leaseTtlMs,
  });
  const building = {
    clients,
    registry,
    leadership,
    config,
    clock,
    engine: () => {
      engine ??= plugins
        .load({ kind: 'engine', name: 'engine', baseDirectory: process.cwd(), ...config.engine })
        .catch((error) => {
          engine = undefined; // Whoever asks next tries again.
          throw error;
        });
      return engine;
    },
  };
  const runner = new OperationRunner({
    records: clients.operationRecords,
    leadership,
    clock,
    log,
    maxConcurrent: config.maxConcurrentOperations,
    kinds: measuredKinds(
      [
        new BuildOperation('build', building),
        new BuildOperation('refresh', building),
        new MergeOperation(building),
        new DropOperation(building),
        new PlanOperation(building),
        new MaintenanceOperation(building),
      ],
      meter,
      clock,
    ),
  });
  meter.gauge(schedulerMetrics.leader, () => [{ value: leadership.isLeader ? 1 : 0 }]);
  const builds = new BuildHandler(clients);
  const { maintenanceIntervalMs: intervalMs } = config;
  const garbage = { clients, leadership, clock, config };
  const timer = { clients, builds, clock, log, intervalMs, garbage };
  let running: Promise<void> = Promise.resolve();
  return {
    services: [
      serve(scheduler.BuildServiceDefinition, builds),
      serve(
        longrunning.OperationsDefinition,
        new OperationsHandler(clients.operationRecords, clock),
      ),
    ] as ServiceBinding[],
    start: () => {
      const term = async (signal: AbortSignal) => {
        await Promise.all([runner.run(signal), runMaintenanceTimer(timer, signal)]);
      };
      running = leadership.run(term, stopping.signal);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running;
      await registry[Symbol.asyncDispose]();
      await plugins[Symbol.asyncDispose]();
    },
  };
}
