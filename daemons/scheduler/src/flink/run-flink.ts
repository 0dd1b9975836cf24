import { messageOf, resourceIdOf } from '@tessera/base';
import { fetchMissing } from '../hosts/fetch-artifacts.ts';
import { HostConnections } from '../hosts/host-connections.ts';
import type { HostAccess, SeenHost } from '../hosts/observe-hosts.ts';
import { carryOutCluster } from './carry-out-cluster.ts';
import { carryOutJobs, isolated } from './carry-out-jobs.ts';
import { flinkHostOf } from './flink-hosts.ts';
import type { FlinkOptions } from './flink-options.ts';
import { bundleOf } from './flink-process.ts';
import { jobClusterOf } from './job-cluster.ts';
import { activeJobsOf, ipOf, type Look, lookAround } from './look.ts';
import { type Memory, newMemory } from './memory.ts';
import { type ClusterPlan, planClusters } from './plan-clusters.ts';

/** A host that has been silent for so long is given no more work, and what it did is done elsewhere. */
const silentMs = 30_000;

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
    await options.clock.sleep(options.intervalMs, signal).catch(() => {});
  }
  await memory.underWay.settled();
}

/** One look at everything, and the steps that follow from it. */
export async function carryOutFlink(
  options: FlinkOptions,
  access: HostAccess,
  memory: Memory,
  signal: AbortSignal,
): Promise<void> {
  const busy = memory.underWay.keys();
  const look = await lookAround(options, access);
  if (look === undefined) return;
  const ageMs = (key: string) => memory.ages.of(key, options.clock.monotonicMs());
  const plans = plansOf(look, ageMs);
  await fetchBundles(plans, look.hosts, options, signal);
  const seen = await Promise.all(
    plans.map(
      async (plan) => [plan.id, await jobClusterOf(plan.id, look, options, signal)] as const,
    ),
  );
  const jobClusters = new Map(seen);
  for (const plan of plans) {
    const cluster = jobClusters.get(plan.id)!;
    const work = {
      ...{ ...options, plan, access, ageMs, signal },
      hosts: look.hosts,
      cluster: look.clusters.get(plan.id),
      before: look.clusterStatuses.get(plan.id),
      jobManager: cluster.jobManager,
      activeJobs: activeJobsOf(plan.id, look),
    };
    const halted = await isolated(options, { cluster: plan.id }, () => carryOutCluster(work));
    if (halted !== undefined) jobClusters.set(plan.id, { ...cluster, ...halted });
  }
  await carryOutJobs({ ...options, look, busy, jobClusters, ageMs, memory, signal });
  memory.ages.forgetUnseen();
  memory.details.forgetUnasked();
}

/** What is wanted of every cluster, those included that were deleted and of which something is left. */
function plansOf(look: Look, ageMs: (key: string) => number): ClusterPlan[] {
  const { clusters, clusterStatuses, jobs, hosts } = look;
  const programs = [...jobs.values()].filter(({ spec }) => spec?.program?.$case === 'sql');
  const wanted = planClusters({
    clusters: [...clusters.values()],
    statuses: clusterStatuses,
    hosts: hosts.flatMap((host) => flinkHostOf(host, unfitOf(host, ageMs)) ?? []),
    addresses: new Map(hosts.map((host) => [resourceIdOf(host.name), ipOf(host)])),
    sqlClusters: new Set(programs.map(({ spec }) => resourceIdOf(spec!.cluster))),
  });
  const ended = [...clusterStatuses.keys()].filter((id) => !clusters.has(id));
  return [
    ...wanted,
    ...ended.map((id) => ({ id, placement: [], processes: new Map(), conditions: [] })),
  ];
}

function unfitOf(
  { name, processes }: SeenHost,
  ageMs: (key: string) => number,
): string | undefined {
  if (processes !== undefined) return undefined;
  return ageMs(`silence of ${name}`) > silentMs ? 'SILENT' : undefined;
}

async function fetchBundles(
  plans: readonly ClusterPlan[],
  hosts: readonly SeenHost[],
  { log }: FlinkOptions,
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
  for (const failure of await fetchMissing(needs, hosts, signal)) {
    log.warn({ failure }, 'flink.bundle-missing');
  }
}
