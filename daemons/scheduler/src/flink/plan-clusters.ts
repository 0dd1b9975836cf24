import { resourceIdOf } from '@tessera/base';
import {
  type ClusterDemand,
  clusterConfiguration,
  type FlinkClusterSpec,
  type FlinkHost,
  furtherRoom,
  jobManagerMemory,
  type PlacedProcess,
  type PlacementInput,
  type PlacementOutcome,
  placeClusters,
  type Quota,
  type RegisteredTaskManager,
  taskManagerMemory,
  type WantedProcess,
} from '@tessera/flink';
import type { flink, host as wire } from '@tessera/proto';
import { quotaUndeclared } from '../errors.ts';
import { fingerprintOf } from '../hosts/process-spec.ts';
import { taskManagerCount } from '../scaling/task-manager-count.ts';
import { clusterSpecOf } from './cluster-spec.ts';
import {
  type ConditionReport,
  clusterJournalOf,
  conditionOf,
  placementOf,
} from './cluster-status.ts';
import { demandOf } from './demand.ts';
import type { Proof, ProofOutcome } from './directory-proofs.ts';
import { flinkProcessSpec, jobManagerAddress } from './flink-process.ts';
import { flinkProcessIdOf, parseFlinkProcessId } from './process-id.ts';

/** What is wanted of all clusters together: they share the hosts. */
export interface ClustersInput {
  readonly clusters: readonly flink.FlinkCluster[];
  /** By id of the cluster. */
  readonly statuses: ReadonlyMap<string, flink.FlinkClusterStatus>;
  readonly hosts: readonly FlinkHost[];
  /** What clusters share that name it. One that names another gets no more than it has. */
  readonly quotas: ReadonlyMap<string, Quota>;
  /** Where each host is reached, by its id. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Which hosts see the state directory of each cluster, by its id. Absent: nothing keeps it from any. */
  readonly proofs?: ReadonlyMap<string, ProofOutcome>;
  /** Ids of clusters that have SQL jobs. */
  readonly sqlClusters: ReadonlySet<string>;
  /** Slots that the jobs of a cluster need. */
  readonly neededSlots: (cluster: string) => number;
  /** TaskManagers that JobManagers know, by cluster and process id. Those of a JobManager that is silent are absent. */
  readonly registered: ReadonlyMap<string, ReadonlyMap<string, RegisteredTaskManager>>;
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
  /** Task slots with all TaskManagers that it may have and hosts can hold. Absent: as many as there are. */
  readonly mostSlots?: number;
  readonly conditions: readonly ConditionReport[];
  /** What is known of its state directory; absent: nothing new. */
  readonly proofs?: readonly Proof[];
}

export interface PlannedProcess extends WantedProcess {
  readonly spec: wire.ProcessSpec;
}

/** Where everything should be and how it is run. A cluster that cannot be as it is wanted stays as it is, and others go on. */
export function planClusters(input: ClustersInput): ClusterPlan[] {
  const read = input.clusters.map((cluster) => readCluster(cluster, input));
  const demands = read.flatMap((one) => ('demand' in one ? [one.demand] : []));
  const placing = {
    clusters: demands,
    hosts: input.hosts,
    quotas: input.quotas,
    current: [...input.statuses.values()].flatMap(placementOf),
    retired: [...input.statuses.values()].flatMap(startedOf),
    idle: [...input.statuses.values()].flatMap((status) => idleOf(status, input)),
  };
  const outcome = placeClusters(placing);
  return read
    .map((one) => {
      if (!('demand' in one)) return invalid(one, input);
      const mostSlots = mostSlotsOf(one, placing, outcome);
      const plan = planOf(one, outcome, input);
      return mostSlots === undefined ? plan : { ...plan, mostSlots };
    })
    .map((plan) => withProofs(plan, input.proofs?.get(plan.id)));
}

function withProofs(plan: ClusterPlan, found: ProofOutcome | undefined): ClusterPlan {
  if (found === undefined) return plan;
  const conditions = [...plan.conditions, ...found.conditions];
  return { ...plan, conditions, proofs: found.proofs };
}

interface ReadCluster {
  readonly id: string;
  readonly spec: FlinkClusterSpec;
  /** 0: as many TaskManagers run as the spec says, whatever jobs need. */
  readonly mostTaskManagers: number;
  readonly demand: ClusterDemand;
  /** That its quota is not declared. */
  readonly conditions: readonly ConditionReport[];
}

interface InvalidCluster {
  readonly id: string;
  readonly error: unknown;
}

function readCluster(
  cluster: flink.FlinkCluster,
  input: ClustersInput,
): ReadCluster | InvalidCluster {
  const id = resourceIdOf(cluster.name);
  try {
    const spec = clusterSpecOf(cluster.spec!, input.hosts);
    check(spec);
    const { maxTaskManagerCount: mostTaskManagers } = cluster.spec!;
    const taskManagers = taskManagerCount({
      ...{ least: spec.taskManagerCount, most: mostTaskManagers },
      slotsEach: spec.taskManager.slots,
      neededSlots: input.neededSlots(id),
      busy: busyTaskManagers(id, input),
    });
    const needsSqlGateway = input.sqlClusters.has(id);
    const ineligible = input.proofs?.get(id)?.ineligible;
    const needs = { needsSqlGateway, taskManagers, ...(ineligible && { ineligible }) };
    const demand = demandOf(cluster, spec, needs);
    if (spec.quota === undefined || input.quotas.has(spec.quota)) {
      return { id, spec, mostTaskManagers, demand, conditions: [] };
    }
    const conditions = [conditionOf(quotaUndeclared(spec.quota))];
    return { id, spec, mostTaskManagers: 0, demand: asItIs(demand, input), conditions };
  } catch (error) {
    return { id, error };
  }
}

/** No more than it has of anything: how much there is of a quota that is not declared nobody knows. */
function asItIs(demand: ClusterDemand, { statuses }: ClustersInput): ClusterDemand {
  const placed = Map.groupBy(placementBefore(demand.id, statuses), ({ role }) => role);
  const groups = demand.groups.map((group) => {
    const { length } = placed.get(group.role) ?? [];
    return { ...group, count: Math.min(group.count, length), headroom: 0 };
  });
  return { ...demand, groups };
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
  { id, spec, conditions: own }: ReadCluster,
  { processes, conditions: all }: PlacementOutcome,
  { statuses, addresses }: ClustersInput,
): ClusterPlan {
  const placement = processes.filter(({ cluster }) => cluster === id);
  const conditions = [...own, ...all.filter(({ cluster }) => cluster === id)];
  const jobManager = jobManagerAddress(placement, addresses);
  const hasReason = (word: string) => conditions.some(({ reason }) => reason === word);
  const before = { id, placement: placementBefore(id, statuses), processes: new Map() };
  if (jobManager === undefined || hasReason('PROCESS_TOO_LARGE')) {
    const noRoom = hasReason('QUOTA_EXCEEDED') ? 'room in its quota' : 'hosts with room for it';
    const blocked = own.length > 0 ? 'its quota to be declared' : noRoom;
    return { ...before, spec, blocked, conditions };
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

/** Those with work; those that are placed while the JobManager does not say. */
function busyTaskManagers(id: string, { registered, statuses }: ClustersInput): number {
  const known = registered.get(id);
  if (known !== undefined) return [...known.values()].filter(isBusy).length;
  return placementBefore(id, statuses).filter(({ role }) => role === 'taskmanager').length;
}

/** TaskManagers that are known to have no work. One that is not known yet may be about to get some. */
function idleOf(status: flink.FlinkClusterStatus, { registered }: ClustersInput): PlacedProcess[] {
  const known = registered.get(resourceIdOf(status.name));
  return placementOf(status).filter((placed) => {
    const there = known?.get(flinkProcessIdOf(placed));
    return there !== undefined && !isBusy(there);
  });
}

const isBusy = ({ slots, freeSlots }: RegisteredTaskManager): boolean => freeSlots < slots;

function mostSlotsOf(
  { id, spec, mostTaskManagers }: ReadCluster,
  placing: PlacementInput,
  outcome: PlacementOutcome,
): number | undefined {
  if (mostTaskManagers === 0) return undefined;
  const group = { cluster: id, role: 'taskmanager' } as const;
  const placed = outcome.processes.filter(
    ({ cluster, role }) => cluster === id && role === group.role,
  );
  const reachable = placed.length + furtherRoom(placing, outcome, group);
  return spec.taskManager.slots * Math.min(mostTaskManagers, reachable);
}

function startedOf(status: flink.FlinkClusterStatus) {
  const names = clusterJournalOf(status).started.map(({ id }) => parseFlinkProcessId(id));
  return names.filter((name) => name !== undefined);
}
