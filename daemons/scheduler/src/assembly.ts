import type { Clock } from '@tessera/base';
import type { ConnectOptions } from '@tessera/client';
import { type Logger, type ServiceBinding, serve } from '@tessera/daemon';
import type { Engine } from '@tessera/plugin';
import { longrunning, scheduler } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { BuildOperation } from './build/build-operation.ts';
import { DropOperation } from './build/drop-operation.ts';
import { MaintenanceOperation } from './build/maintenance-operation.ts';
import { MergeOperation } from './build/merge-operation.ts';
import type { Sources } from './build/observe.ts';
import type { SchedulerClients } from './clients.ts';
import type { SchedulerConfig } from './config.ts';
import { runDeployments } from './deployment/carry-out.ts';
import { actingClients } from './leader/acting-clients.ts';
import { Leadership } from './leader/leadership.ts';
import type { Term } from './leader/term.ts';
import { schedulerMetrics } from './metrics.ts';
import { runMaintenanceTimer } from './operations/maintenance-timer.ts';
import { measuredKinds } from './operations/measure-operations.ts';
import type { OperationKind } from './operations/operation.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import { PlanOperation } from './plan/plan-operation.ts';
import { BuildHandler } from './service/build-handler.ts';
import { OperationsHandler } from './service/operations-handler.ts';

/** What a scheduler stands on; nothing in it reaches for a clock, an id, a plugin or a socket by itself. */
export interface SchedulerParts {
  readonly clients: SchedulerClients;
  readonly registry: Sources;
  readonly engine: () => Promise<Engine>;
  readonly config: SchedulerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this life of this process. */
  readonly holder: string;
  /** How host daemons are connected to. */
  readonly hostConnections?: ConnectOptions;
  /** Gives an id that was never given before. */
  readonly newId: () => string;
  /** Absent: nothing is counted. */
  readonly meter?: Meter;
}

export interface AssembledScheduler {
  readonly services: readonly ServiceBinding[];
  /** Leads whenever nobody else does, until `stopping` is aborted; then lets go in good order. */
  run(stopping: AbortSignal): Promise<void>;
}

/** What answers needs no leadership. What acts does so by the clients of a term, and by those only. */
export function assembleScheduler(parts: SchedulerParts): AssembledScheduler {
  const {
    clients,
    config,
    clock,
    log,
    holder,
    newId,
    hostConnections = {},
    meter = noMeter,
  } = parts;
  const { maintenanceIntervalMs: intervalMs, leaseTtlMs: ttlMs } = config;
  const leadership = new Leadership({ leases: clients.leases, clock, log, holder, ttlMs });
  const names = operationKinds(parts).map(({ kind }) => kind);
  const measured = measuredKinds(names, meter, clock);
  const kindsOf = (acting: SchedulerClients) =>
    measured(operationKinds({ ...parts, clients: acting }));
  let latest: Term | undefined;
  meter.gauge(schedulerMetrics.leader, () => [{ value: latest?.isLost === false ? 1 : 0 }]);
  const maxConcurrent = config.maxConcurrentOperations;
  const lead = async (term: Term) => {
    latest = term;
    const runner = new OperationRunner({ clients, kindsOf, clock, log, maxConcurrent });
    const acting = actingClients(clients, term);
    const builds = new BuildHandler(acting, newId);
    const garbage = { clients: acting, clock, config };
    const timer = { clients: acting, builds, clock, log, intervalMs, garbage };
    const deploying = { clients: acting, authority: term, clock, log, hostConnections };
    await Promise.all([
      runner.run(term),
      runMaintenanceTimer(timer, term.signal),
      runDeployments({ ...deploying, intervalMs: config.deploymentIntervalMs }, term.signal),
    ]);
  };
  return {
    services: [
      serve(scheduler.BuildServiceDefinition, new BuildHandler(clients, newId)),
      serve(
        longrunning.OperationsDefinition,
        new OperationsHandler(clients.operationRecords, clock),
      ),
    ] as ServiceBinding[],
    run: (stopping) => leadership.run(lead, stopping),
  };
}

function operationKinds(parts: SchedulerParts): readonly OperationKind[] {
  return [
    new BuildOperation('build', parts),
    new BuildOperation('refresh', parts),
    new MergeOperation(parts),
    new DropOperation(parts),
    new PlanOperation(parts),
    new MaintenanceOperation(parts),
  ];
}
