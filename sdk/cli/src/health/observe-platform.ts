import { Code, isTesseraError, messageOf, resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import { metadata, type query, type scheduler, type storage } from '@tessera/proto';
import { freshnessOf, type KnownFreshness } from '../freshness.ts';
import { type OperationView, viewOf } from '../operation-view.ts';
import type { ObservedCube, ObservedPlatform, ObservedReplication } from './find-degraded.ts';
import { type ConnectToHost, type HostsReport, observeHosts } from './observe-hosts.ts';
import { observeStore } from './observe-store.ts';

/** What the services of a platform say of one project, each as far as it answers. */
export interface PlatformReport {
  readonly cubes: readonly metadata.Cube[];
  /** Absent, here and below: nobody answered, or not to this caller. */
  readonly segments: readonly metadata.Segment[] | undefined;
  readonly freshness: ReadonlyMap<string, KnownFreshness> | undefined;
  readonly stats: storage.GetStatsResponse | undefined;
  readonly queries: readonly query.RunningQuery[] | undefined;
  /** The newest first. */
  readonly operations: readonly OperationView[];
  readonly replication: scheduler.GetReplicationResponse | undefined;
  readonly machines: HostsReport | undefined;
  readonly store: metadata.GetStoreStatusResponse | undefined;
  /** What the caller's roles do not permit him to see, in words; the rest is all the same. */
  readonly refused: readonly string[];
  readonly observed: ObservedPlatform;
}

const maxOperations = 100;
const maxPolicyFaults = 100;
const awayCodes: readonly Code[] = [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.UNIMPLEMENTED];

/** @throws what is wrong with the question or the caller's token, and what the last service failed with when none answers */
export async function observePlatform(
  client: TesseraClient,
  project: string,
  connectTo: ConnectToHost,
): Promise<PlatformReport> {
  const failures: { service: string; error: unknown }[] = [];
  const refusals: unknown[] = [];
  const ask = <T>(service: string, call: Promise<T>): Promise<T | undefined> =>
    call.catch((error) => {
      if (isTesseraError(error, 'PERMISSION_DENIED')) refusals.push(error);
      else if (isAway(error)) failures.push({ service, error });
      else throw error;
      return undefined;
    });
  const every = `${project}/cubes/-`;
  const asking = ask('metadata', observeStore(client));
  const [
    cubes,
    segments,
    stats,
    running,
    operations,
    replication,
    lease,
    sourceFailures,
    policyFaults,
    machines,
    store,
  ] = await Promise.all([
    ask('metadata', listAll(client, 'cubes', { parent: project })),
    ask('metadata', listAll(client, 'segments', { parent: every })),
    ask('storage', client.storage.getStats({ cube: '' }).catch(unlessServedApart)),
    ask('query', client.queries.listQueries({})),
    ask('scheduler', client.operations.listOperations({ pageSize: maxOperations })),
    ask('scheduler', client.replication.getReplication({})),
    ask('metadata', isLed(client)),
    ask('query', failedSources(client, project)),
    ask('query', danglingPolicies(client, project)),
    ask('metadata', observeHosts(client, connectTo, asking)),
    asking,
  ]);
  if ([cubes, segments, stats, running, operations, lease].every((given) => given === undefined)) {
    throw failures.at(-1)?.error ?? refusals.at(-1);
  }
  const ready = (segments?.resources ?? []).filter(
    ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
  );
  const freshness = ready.length === 0 ? new Map() : await ask('query', freshnessOf(client, every));
  const report = {
    cubes: cubes?.resources ?? [],
    segments: segments?.resources,
    freshness,
    stats,
    queries: running?.queries,
    operations: (operations?.operations ?? []).map(viewOf),
    replication,
  };
  const services = new Map(failures.map(({ service, error }) => [service, messageOf(error)]));
  return {
    ...report,
    machines,
    store: store?.status,
    refused: [...new Set(refusals.map(messageOf))].sort(),
    observed: {
      unreachable: [...services].map(([service, message]) => ({ service, message })),
      storeFaults: store?.status.faults ?? [],
      isLed: lease,
      sourceFailures: sourceFailures ?? [],
      policyFaults: policyFaults ?? [],
      cubes: segments === undefined ? [] : report.cubes.map((cube) => cubeOf(cube, ready, report)),
      memory: stats && memoryOf(stats),
      queuedQueries: (running?.queries ?? []).filter(({ queued }) => queued).length,
      ...(replication === undefined || replication.nodes.length === 0
        ? {}
        : { replication: replicationOf(replication) }),
      hosts: machines?.observedHosts ?? [],
      deployments: machines?.observedDeployments ?? [],
    },
  };
}

/** Any other failure is an answer. */
function isAway(error: unknown): boolean {
  return isTesseraError(error) && awayCodes.includes(error.code);
}

/** Whether some scheduler leads. */
export async function isLed({ leases }: Pick<TesseraClient, 'leases'>): Promise<boolean> {
  try {
    await leases.getLease({ name: 'leases/scheduler' });
    return true;
  } catch (error) {
    if (isTesseraError(error, 'LEASE_NOT_FOUND')) return false;
    throw error;
  }
}

/** A project without sources is not known to the query daemon, and has nothing that fails. */
async function failedSources({ queries }: TesseraClient, project: string) {
  try {
    const { failures } = await queries.listTables({ project, pageSize: 1 });
    return failures;
  } catch (error) {
    if (isTesseraError(error, 'PROJECT_NOT_FOUND')) return [];
    throw error;
  }
}

/** Told to administrators only. */
async function danglingPolicies({ queries }: TesseraClient, project: string) {
  try {
    const { faults } = await queries.listPolicyFaults({ project, pageSize: maxPolicyFaults });
    return faults.map((fault) => ({ ...fault, policy: resourceIdOf(fault.policy) }));
  } catch (error) {
    if (isTesseraError(error, 'PROJECT_NOT_FOUND')) return [];
    throw error;
  }
}

function cubeOf(
  { name }: metadata.Cube,
  ready: readonly metadata.Segment[],
  { freshness, stats, operations }: Pick<PlatformReport, 'freshness' | 'stats' | 'operations'>,
): ObservedCube {
  const own = ready.filter((segment) => segment.name.startsWith(`${name}/`));
  const withFreshness = (wanted: string) =>
    own.filter((segment) => freshness?.get(segment.name)?.freshness === wanted).length;
  const layouts = (stats?.layouts ?? []).filter(({ cube }) => cube === name);
  const newest = operations.find(({ cube }) => cube === name);
  const failed = newest?.state === 'failed' ? newest : undefined;
  return {
    cube: resourceIdOf(name),
    readySegments: own.length,
    staleSegments: withFreshness('stale'),
    unknownSegments: withFreshness('unknown'),
    quarantinedFiles: layouts.reduce((sum, layout) => sum + layout.quarantinedSegments, 0),
    ...(failed === undefined
      ? {}
      : { failure: { operation: failed.name, message: failed.error?.message ?? '' } }),
  };
}

/** Of many items only some are named: the others are of the same kind as the last ones. */
function replicationOf({
  nodes,
  degradedItems,
  degradedCount,
  conditions,
  lackingInDeepStorage,
}: scheduler.GetReplicationResponse): ObservedReplication {
  const unreachable = degradedItems.filter(({ aliveReplicas }) => aliveReplicas.length === 0);
  const few = degradedItems.filter(({ aliveReplicas }) => aliveReplicas.length > 0);
  const fewByReason: Record<string, number> = {};
  for (const { reason } of few) fewByReason[reason] = (fewByReason[reason] ?? 0) + 1;
  const unnamed = Number(degradedCount) - degradedItems.length;
  const last = degradedItems.at(-1);
  const isFew = last !== undefined && last.aliveReplicas.length > 0;
  if (isFew && unnamed > 0) fewByReason[last.reason]! += unnamed;
  return {
    goneNodes: nodes.filter(({ alive }) => !alive).map(({ node }) => resourceIdOf(node)),
    unreachableItems: unreachable.length + (isFew ? 0 : unnamed),
    fewByReason,
    quarantinedFiles: Object.fromEntries(
      nodes
        .filter(({ quarantinedFiles }) => quarantinedFiles > 0n)
        .map(({ node, quarantinedFiles }) => [resourceIdOf(node), quarantinedFiles]),
    ),
    lackingInDeepStorage,
    pendingBytes: nodes.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0n),
    conditions,
  };
}

function memoryOf({ layouts, memoryBytes, memoryBudgetBytes }: storage.GetStatsResponse) {
  return {
    usedBytes: memoryBytes,
    budgetBytes: memoryBudgetBytes,
    files: layouts.reduce((sum, { segmentCount }) => sum + segmentCount, 0),
    filesInMemory: layouts.reduce((sum, { segmentsInMemory }) => sum + segmentsInMemory, 0),
  };
}

/** Where storage daemons run apart and none is named, the scheduler tells of them. */
function unlessServedApart(error: unknown): undefined {
  if (isTesseraError(error) && error.code === Code.UNIMPLEMENTED) return undefined;
  throw error;
}
