import { join } from 'node:path';
import type { Clock } from '@tessera/base';
import type { ConnectOptions } from '@tessera/client';
import {
  type Logger,
  type PluginThreadOptions,
  pluginThreadDefaults,
  type ServiceBinding,
  serve,
} from '@tessera/daemon';
import { FlinkRestClient } from '@tessera/flink-rest';
import type { Engine } from '@tessera/plugin';
import { longrunning, scheduler } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { type BuildDependencies, BuildOperation } from './build/build-operation.ts';
import { DropOperation } from './build/drop-operation.ts';
import { MaintenanceOperation } from './build/maintenance-operation.ts';
import { MergeOperation } from './build/merge-operation.ts';
import type { Sources } from './build/observe.ts';
import type { SchedulerClients } from './clients.ts';
import type { SchedulerConfig } from './config.ts';
import { runDeployments } from './deployment/carry-out.ts';
import type { FlinkRest } from './flink/job-manager.ts';
import { runFlink } from './flink/run-flink.ts';
import { actingClients } from './leader/acting-clients.ts';
import type { Authority } from './leader/authority.ts';
import { Leadership } from './leader/leadership.ts';
import type { Term } from './leader/term.ts';
import { schedulerMetrics } from './metrics.ts';
import { runMaintenanceTimer } from './operations/maintenance-timer.ts';
import { measuredKinds } from './operations/measure-operations.ts';
import type { OperationKind } from './operations/operation.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import { PlanOperation } from './plan/plan-operation.ts';
import { BuildStore } from './replicas/build-store.ts';
import { runReplication } from './replicas/carry-out.ts';
import { type ConnectNode, connectNodes, NodeClients } from './replicas/node-clients.ts';
import { UnderWay } from './replicas/under-way.ts';
import { StrategyPool } from './scaling/strategy-pool.ts';
import { BuildHandler } from './service/build-handler.ts';
import { OperationsHandler } from './service/operations-handler.ts';
import { ReplicationHandler } from './service/replication-handler.ts';
import { ScalingHandler } from './service/scaling-handler.ts';

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
  /** How host and storage daemons are connected to. */
  readonly connections?: ConnectOptions;
  /** A JobManager's REST interface at a URL. Absent: over HTTP. */
  readonly connectFlink?: (url: string) => FlinkRest;
  /** Absent: over gRPC. */
  readonly connectNode?: ConnectNode;
  /** Of this machine: builds go through a storage node on it. */
  readonly hostname?: string;
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
  const { clients, config, clock, log, holder, newId, connections = {}, meter = noMeter } = parts;
  const { maintenanceIntervalMs: intervalMs, leaseTtlMs: ttlMs } = config;
  const leadership = new Leadership({ leases: clients.leases, clock, log, holder, ttlMs });
  const measured = measuredKinds(kindNames, meter, clock);
  let latest: Term | undefined;
  meter.gauge(schedulerMetrics.leader, () => [{ value: latest?.isLost === false ? 1 : 0 }]);
  const maxConcurrent = config.maxConcurrentOperations;
  const pluginDirectory = config.pluginDirectory ?? process.cwd();
  const threads: PluginThreadOptions = {
    workDirectory: join(config.workDirectory, 'strategies'),
    logLevel: 'warn',
    fallbackDirectory: import.meta.dirname,
    ...pluginThreadDefaults,
  };
  const lead = async (term: Term) => {
    latest = term;
    await using strategies = new StrategyPool(threads);
    using nodes = new NodeClients(parts.connectNode ?? connectNodes(connections));
    const underWay = new UnderWay();
    const storeOf = (acting: SchedulerClients, authority: Authority) =>
      new BuildStore({
        ...{ clients: acting, authority, underWay, clock, log, config },
        hostname: parts.hostname ?? '',
        clientAt: (address) => nodes.at(address, authority),
      });
    const kindsOf = (acting: SchedulerClients, authority: Authority) => {
      const store = storeOf(acting, authority);
      return measured(operationKinds({ ...parts, clients: store.clients, store }));
    };
    const runner = new OperationRunner({ clients, kindsOf, clock, log, maxConcurrent });
    const acting = actingClients(clients, term);
    const builds = new BuildHandler(acting, newId);
    const garbage = { clients: acting, store: storeOf(acting, term), clock, config };
    const timer = { clients: acting, builds, clock, log, intervalMs, garbage };
    const deploying = {
      clients: acting,
      authority: term,
      clock,
      log,
      hostConnections: connections,
    };
    const clientAt = (address: string) => nodes.at(address, term);
    const replicating = { clients: acting, clientAt, underWay, clock, log, config };
    await Promise.all([
      runner.run(term),
      runMaintenanceTimer(timer, term.signal),
      runDeployments({ ...deploying, intervalMs: config.deploymentIntervalMs }, term.signal),
      runReplication(replicating, term.signal),
      runFlink(
        {
          ...deploying,
          intervalMs: config.flinkIntervalMs,
          quotas: config.flinkQuotas,
          workDirectory: join(config.workDirectory, 'jars'),
          strategies,
          pluginDirectory,
          connectFlink: parts.connectFlink ?? ((url) => new FlinkRestClient({ url })),
        },
        term.signal,
      ),
    ]);
  };
  return {
    services: [
      serve(scheduler.BuildServiceDefinition, new BuildHandler(clients, newId)),
      serve(
        scheduler.ReplicationServiceDefinition,
        new ReplicationHandler(clients, clock, config.replication),
      ),
      serve(scheduler.ScalingServiceDefinition, new ScalingHandler(threads, pluginDirectory)),
      serve(
        longrunning.OperationsDefinition,
        new OperationsHandler(clients.operationRecords, clock),
      ),
    ] as ServiceBinding[],
    run: (stopping) => leadership.run(lead, stopping),
  };
}

const kindNames: readonly string[] = ['build', 'refresh', 'merge', 'drop', 'plan', 'maintenance'];

/** Those of `kindNames`. */
function operationKinds(deps: BuildDependencies): readonly OperationKind[] {
  return [
    new BuildOperation('build', deps),
    new BuildOperation('refresh', deps),
    new MergeOperation(deps),
    new DropOperation(deps),
    new PlanOperation(deps),
    new MaintenanceOperation(deps),
  ];
}
