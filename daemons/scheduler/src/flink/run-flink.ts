import { messageOf, resourceIdOf } from '@tessera/base';
import { fetchMissing } from '../hosts/fetch-artifacts.ts';
import { HostConnections } from '../hosts/host-connections.ts';
import type { HostAccess, SeenHost } from '../hosts/observe-hosts.ts';
import { carryOutScaling, wantedSize } from '../scaling/carry-out-scaling.ts';
import { SlotNeeds } from '../scaling/slot-needs.ts';
import { carryOutCluster } from './carry-out-cluster.ts';
import { ownFileSystem } from './carry-out-job.ts';
import { carryOutJobs, isolated } from './carry-out-jobs.ts';
import type { ProofOutcome } from './directory-proofs.ts';
import { flinkHostOf } from './flink-hosts.ts';
import type { FlinkOptions } from './flink-options.ts';
import { bundleOf } from './flink-process.ts';
import type { HostWatch } from './host-watch.ts';
import { type JobCluster, jobClusterOf } from './job-cluster.ts';
import { registeredSlots } from './job-manager.ts';
import { activeJobsOf, ipOf, type Look, lookAround } from './look.ts';
import { type Memory, newMemory } from './memory.ts';
import { type ClusterPlan, planClusters } from './plan-clusters.ts';
import { proveDirectories } from './prove-directories.ts';

/** How many times as often as otherwise. */
const haste = 5;

/**
 * Carries out Flink's clusters and jobs until the signal: looks at everything, takes the steps that can be taken, and looks again later. What was begun is in the statuses, written before it was done; whoever leads next
 * goes on from there.
 */
export async function runFlink(options: FlinkOptions, signal: AbortSignal): Promise<void> {
  if (options.intervalMs === 0) return;
  using connections = new HostConnections(options.authority, options.hostConnections);
  const memory = newMemory(options.clock);
  while (!signal.aborted) {
    await carryOutFlink(options, connections, memory, signal).catch((error) => {
      if (!signal.aborted) options.log.warn({ error: messageOf(error) }, 'flink.pass-failed');
    });
    connections.closeUnused();
    await options.clock.sleep(pauseMs(options, memory), signal).catch(() => {});
  }
  await memory.underWay.settled();
}

/** Looks come in quick succession while a job changes its size: each step of that waits for one. */
function pauseMs({ intervalMs, clock }: FlinkOptions, { scalings }: Memory): number {
  const isHasty = scalings.isChanging(Number(clock.now() / 1000n));
  return isHasty ? intervalMs / haste : intervalMs;
}

/** One look at everything, and the steps that follow from it. */
export async function carryOutFlink(
  options: FlinkOptions,
  access: HostAccess,
  memory: Memory,
  signal: AbortSignal,
): Promise<void> {
  const beganMs = options.clock.monotonicMs();
  const busy = memory.underWay.keys();
  const look = await lookAround(options, access);
  if (look === undefined) return;
  const nowMs = options.clock.monotonicMs();
  const ageMs = (key: string) => memory.ages.of(key, nowMs);
  memory.hosts.look(look.hosts, { beganMs, overMs: nowMs });
  const { jobs, jobStatuses } = look;
  const sizeOf = (id: string) =>
    wantedSize(jobs.get(id), jobStatuses.get(id), memory.scalings.get(id));
  const needs = new SlotNeeds(jobs, jobStatuses, sizeOf);
  const [proofs, jobClusters] = await Promise.all([
    proveDirectories(look, memory, options, signal),
    seenClusters(look, { ...options, hanging: memory.hanging }, signal),
  ]);
  const { quotas } = options;
  const plans = plansOf(look, { hosts: memory.hosts, quotas, proofs, needs, jobClusters });
  await fetchBundles(plans, look.hosts, options, signal);
  for (const plan of plans) {
    const cluster = jobClusters.get(plan.id)!;
    const work = {
      ...{ ...options, plan, access, ageMs, signal },
      hosts: look.hosts,
      isLost: (host: SeenHost) => memory.hosts.isLost(host),
      troubleOf: (host: SeenHost) => memory.hosts.troubleOf(host),
      cluster: look.clusters.get(plan.id),
      before: look.clusterStatuses.get(plan.id),
      jobManager: cluster.jobManager,
      ...(cluster.silence !== undefined && { silence: cluster.silence }),
      activeJobs: activeJobsOf(plan.id, look),
    };
    const halted = await isolated(options, { cluster: plan.id }, () => carryOutCluster(work));
    if (halted !== undefined) jobClusters.set(plan.id, { ...cluster, ...halted });
  }
  await carryOutJobs({ ...options, look, busy, jobClusters, needs, sizeOf, ageMs, memory, signal });
  const { scalings, underWay } = memory;
  const slots = slotsOf(plans, jobClusters);
  await carryOutScaling({
    ...options,
    look,
    jobClusters,
    needs,
    slots,
    scalings,
    underWay,
    signal,
  });
  tidyArchives(options, memory);
  memory.ages.forgetUnseen();
  memory.details.forgetUnasked();
  memory.restarts.forgetUnasked();
  memory.hanging.forgetUnasked();
}

/** Beside the looks: a shared file system may take its time. What cannot be deleted stays. */
function tidyArchives(
  { states = ownFileSystem, log }: FlinkOptions,
  { unaskedEnds, underWay }: Memory,
): void {
  for (const [stateDirectory, jobIds] of unaskedEnds.take()) {
    const tidy = states.deleteEnds(stateDirectory, jobIds).catch((error: unknown) => {
      log.warn({ stateDirectory, error: messageOf(error) }, 'flink.archive-not-tidied');
    });
    underWay.begin(`archive of ${stateDirectory}`, () => tidy);
  }
}

/** All clusters, those included that were deleted and of which something is left. */
async function seenClusters(
  look: Look,
  options: Parameters<typeof jobClusterOf>[2],
  signal: AbortSignal,
): Promise<Map<string, JobCluster>> {
  const ids = new Set([...look.clusters.keys(), ...look.clusterStatuses.keys()]);
  const seen = [...ids].map(async (id) => {
    return [id, await jobClusterOf(id, look, options, signal)] as const;
  });
  return new Map(await Promise.all(seen));
}

/** Task slots that each cluster can have; of one that does not say, those that are there. */
function slotsOf(
  plans: readonly ClusterPlan[],
  jobClusters: ReadonlyMap<string, JobCluster>,
): ReadonlyMap<string, number> {
  return new Map(
    plans.flatMap(({ id, mostSlots }) => {
      const { jobManager } = jobClusters.get(id) ?? {};
      const slots = mostSlots ?? (jobManager && registeredSlots(jobManager));
      return slots === undefined ? [] : [[id, slots] as const];
    }),
  );
}

interface Sight {
  readonly hosts: HostWatch;
  readonly quotas: FlinkOptions['quotas'];
  readonly proofs: ReadonlyMap<string, ProofOutcome>;
  readonly needs: SlotNeeds;
  readonly jobClusters: ReadonlyMap<string, JobCluster>;
}

/** What is wanted of every cluster, those included that were deleted and of which something is left. */
function plansOf(look: Look, sight: Sight): ClusterPlan[] {
  const { hosts: watch, quotas, proofs, needs, jobClusters } = sight;
  const { clusters, clusterStatuses, hosts } = look;
  const wanted = planClusters({
    clusters: [...clusters.values()],
    statuses: clusterStatuses,
    quotas,
    proofs,
    hosts: hosts.flatMap((host) => flinkHostOf(host, watch.unfit(host)) ?? []),
    addresses: new Map(hosts.map((host) => [resourceIdOf(host.name), ipOf(host)])),
    sqlClusters: sqlClustersOf(look),
    neededSlots: (cluster) => needs.total(cluster),
    registered: new Map(
      [...jobClusters].flatMap(([id, { jobManager }]) =>
        jobManager === undefined ? [] : [[id, jobManager.taskManagers] as const],
      ),
    ),
  });
  const ended = [...clusterStatuses.keys()].filter((id) => !clusters.has(id));
  return [
    ...wanted,
    ...ended.map((id) => ({ id, placement: [], processes: new Map(), conditions: [] })),
  ];
}

/** Clusters of jobs that are wanted in SQL, or may come back as they were in SQL. */
function sqlClustersOf({ jobs, jobStatuses }: Look): ReadonlySet<string> {
  const specs = [...jobs].flatMap(([id, { spec }]) => [spec, jobStatuses.get(id)?.stableSpec]);
  const inSql = specs.filter((spec) => spec?.program?.$case === 'sql');
  return new Set(inSql.map((spec) => resourceIdOf(spec!.cluster)));
}

async function fetchBundles(
  plans: readonly ClusterPlan[],
  hosts: readonly SeenHost[],
  { log, clock }: FlinkOptions,
  signal: AbortSignal,
): Promise<void> {
  const needs = plans.flatMap(({ spec, placement }) =>
    spec === undefined
      ? []
      : [
          {
            artifacts: [bundleOf(spec)],
            on: new Set(placement.map(({ host }) => `hosts/${host}`)),
          },
        ],
  );
  for (const failure of await fetchMissing(needs, hosts, { signal, clock })) {
    log.warn({ failure }, 'flink.bundle-missing');
  }
}
