import { resourceIdOf } from '@tessera/base';
import {
  type ClusterDemand,
  clusterConfiguration,
  type FlinkClusterSpec,
  type FlinkHost,
  jobManagerMemory,
  type PlacedProcess,
  type PlacementOutcome,
  placeClusters,
  taskManagerMemory,
  type WantedProcess,
} from '@tessera/flink';
import type { flink, host as wire } from '@tessera/proto';
import { fingerprintOf } from '../hosts/process-spec.ts';
import { clusterSpecOf } from './cluster-spec.ts';
import {
  type ConditionReport,
  clusterJournalOf,
  conditionOf,
  placementOf,
} from './cluster-status.ts';
import { demandOf } from './demand.ts';
import { flinkProcessSpec, jobManagerAddress } from './flink-process.ts';
import { flinkProcessIdOf, parseFlinkProcessId } from './process-id.ts';

/** What is wanted of all clusters together: they share the hosts. */
export interface ClustersInput {
  readonly clusters: readonly flink.FlinkCluster[];
  /** By id of the cluster. */
  readonly statuses: ReadonlyMap<string, flink.FlinkClusterStatus>;
  readonly hosts: readonly FlinkHost[];
  /** Where each host is reached, by its id. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Ids of clusters that have SQL jobs. */
  readonly sqlClusters: ReadonlySet<string>;
}

/** One cluster as it is wanted. */
export interface ClusterPlan {
  readonly id: string;
  readonly placement: readonly PlacedProcess[];
  /** By process id: how it is run. */
  readonly processes: ReadonlyMap<string, PlannedProcess>;
  /** Why it is left as it is, in words; absent: it is carried out. */
  readonly blocked?: string;
  readonly spec?: FlinkClusterSpec;
  readonly conditions: readonly ConditionReport[];
}

export interface PlannedProcess extends WantedProcess {
  readonly spec: wire.ProcessSpec;
}

/** Where everything should be and how it is run. A cluster that cannot be as it is wanted stays as it is, and others go on. */
export function planClusters(input: ClustersInput): ClusterPlan[] {
  const read = input.clusters.map((cluster) => readCluster(cluster, input));
  const demands = read.flatMap((one) => ('demand' in one ? [one.demand] : []));
  const outcome = placeClusters({
    clusters: demands,
    hosts: input.hosts,
    current: [...input.statuses.values()].flatMap(placementOf),
    retired: [...input.statuses.values()].flatMap(startedOf),
  });
  return read.map((one) => ('demand' in one ? planOf(one, outcome, input) : invalid(one, input)));
}

interface ReadCluster {
  readonly id: string;
  readonly spec: FlinkClusterSpec;
  readonly demand: ClusterDemand;
}

interface InvalidCluster {
  readonly id: string;
  readonly error: unknown;
}

function readCluster(
  cluster: flink.FlinkCluster,
  { hosts, sqlClusters }: ClustersInput,
): ReadCluster | InvalidCluster {
  const id = resourceIdOf(cluster.name);
  try {
    const spec = clusterSpecOf(cluster.spec!, hosts);
    check(spec);
    const demand = demandOf(cluster, spec, { needsSqlGateway: sqlClusters.has(id) });
    return { id, spec, demand };
  } catch (error) {
    return { id, error };
  }
}

/** Before anything is placed: what cannot be started takes no room from others. */
function check(spec: FlinkClusterSpec): void {
  jobManagerMemory(spec.jobManager);
  taskManagerMemory(spec.taskManager);
  clusterConfiguration(spec, { host: '', rpcPort: 0, restPort: 0, blobPort: 0 });
}

function invalid({ id, error }: InvalidCluster, { statuses }: ClustersInput): ClusterPlan {
  return {
    id,
    placement: placementBefore(id, statuses),
    processes: new Map(),
    blocked: 'its specification to be changed',
    conditions: [conditionOf(error)],
  };
}

function planOf(
  { id, spec }: ReadCluster,
  { processes, conditions: all }: PlacementOutcome,
  { statuses, addresses }: ClustersInput,
): ClusterPlan {
  const placement = processes.filter(({ cluster }) => cluster === id);
  const conditions = all.filter(({ cluster }) => cluster === id);
  const jobManager = jobManagerAddress(placement, addresses);
  const isTooLarge = conditions.some(({ reason }) => reason === 'PROCESS_TOO_LARGE');
  const before = { id, placement: placementBefore(id, statuses), processes: new Map() };
  if (jobManager === undefined || isTooLarge) {
    return { ...before, spec, blocked: 'hosts with room for it', conditions };
  }
  const planned = placement.map((placed): PlannedProcess => {
    const address = addresses.get(placed.host)!;
    const run = flinkProcessSpec({ spec, placed, jobManager, address });
    const { role, host } = placed;
    const processId = flinkProcessIdOf(placed);
    return { id: processId, role, host, fingerprint: fingerprintOf(run), spec: run };
  });
  return {
    ...{ id, spec, placement, conditions },
    processes: new Map(planned.map((one) => [one.id, one])),
  };
}

function placementBefore(id: string, statuses: ClustersInput['statuses']) {
  const status = statuses.get(id);
  return status === undefined ? [] : placementOf(status);
}

function startedOf(status: flink.FlinkClusterStatus) {
  const names = clusterJournalOf(status).started.map(({ id }) => parseFlinkProcessId(id));
  return names.filter((name) => name !== undefined);
}
