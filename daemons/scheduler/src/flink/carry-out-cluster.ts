import { invariant, messageOf, resourceIdOf } from '@tessera/base';
import { timestampToProto } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import {
  type ClusterDecision,
  type ClusterStep,
  emptyClusterJournal,
  journalFor,
  nextClusterAction,
} from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { type HostAccess, readProcesses, type SeenHost } from '../hosts/observe-hosts.ts';
import {
  type ConditionReport,
  clusterJournalOf,
  clusterStatusName,
  clusterStatusOf,
  isSameClusterStatus,
  placementOf,
} from './cluster-status.ts';
import type { FlinkOptions } from './flink-options.ts';
import { hostConditions } from './host-conditions.ts';
import type { HostTrouble } from './host-watch.ts';
import type { SeenJobManager } from './job-manager.ts';
import { lastWords } from './last-words.ts';
import { type ClusterView, observedClusterOf, processesOf } from './observe-cluster.ts';
import type { ClusterPlan } from './plan-clusters.ts';
import { processConditions } from './process-conditions.ts';
import { rejectionConditions } from './rejection-conditions.ts';
import { silenceConditions } from './silence-conditions.ts';

/** Steps of one cluster in one pass; what is left waits for the next one. */
const maxSteps = 2_000;
/** One step on one host. */
const stepDeadlineMs = 5_000;

export interface ClusterWork extends FlinkOptions {
  readonly plan: ClusterPlan;
  /** Absent: it was deleted, and is being ended. */
  readonly cluster: flink.FlinkCluster | undefined;
  /** Its status as it was written last. */
  readonly before: flink.FlinkClusterStatus | undefined;
  /** What was seen last of each; steps bring it up to date. */
  readonly hosts: SeenHost[];
  readonly access: HostAccess;
  readonly jobManager: SeenJobManager | undefined;
  /** For which reason it does not answer. */
  readonly silence?: string;
  readonly activeJobs: number;
  readonly isLost: (host: SeenHost) => boolean;
  readonly troubleOf: (host: SeenHost) => HostTrouble | undefined;
  readonly ageMs: (run: string) => number;
  readonly signal: AbortSignal;
}

/** Takes the steps of one cluster, each written down before it is taken. Gives whether its jobs have to be stopped. */
export async function carryOutCluster(work: ClusterWork): Promise<{ readonly haltsJobs: boolean }> {
  const { hosts, plan, signal, log } = work;
  const left = new Set<string>();
  const failures: ConditionReport[] = [];
  let status = work.before;
  let haltsJobs = false;
  const words = await lastWords(plan, hosts, work);
  for (let i = 0; i < maxSteps && !signal.aborted; i++) {
    const decision = decide(work, status, { left, words });
    haltsJobs = decision.haltsJobs;
    const wrong = [
      ...hostConditions({ hosts, used: hostsOf(plan, status), troubleOf: work.troubleOf }),
      ...processConditions(plan, hosts, words),
      ...silenceConditions(work),
    ];
    const rejected = rejectionConditions(decision.journal);
    const conditions = [...plan.conditions, ...rejected, ...wrong, ...failures];
    status = await write(work, status, decision, conditions);
    const { step } = decision;
    if (step === undefined) break;
    const at = hosts.findIndex(({ name }) => resourceIdOf(name) === step.host);
    const host = hosts[at]!;
    try {
      hosts[at] = await takeStep(work, step, host);
      log.info({ cluster: plan.id, ...step }, 'flink-cluster.step');
    } catch (error) {
      log.warn({ cluster: plan.id, ...step, error: messageOf(error) }, 'flink-cluster.step-failed');
      failures.push(stepFailed(step, error));
      left.add(host.name);
    }
  }
  await restoreFiles(work);
  if (work.cluster === undefined && status !== undefined) await forget(work, status);
  return { haltsJobs };
}

/** Where it has processes, or may have. */
function hostsOf({ placement }: ClusterPlan, status: flink.FlinkClusterStatus | undefined) {
  const started = status === undefined ? [] : clusterJournalOf(status).started;
  return new Set([...placement, ...started].map(({ host }) => host));
}

function decide(
  { plan, cluster, hosts, jobManager, activeJobs, isLost, ageMs }: ClusterWork,
  status: flink.FlinkClusterStatus | undefined,
  { left, words }: Pick<ClusterView, 'left' | 'words'>,
): ClusterDecision {
  const before = status === undefined ? emptyClusterJournal : clusterJournalOf(status);
  const journal = journalFor(cluster?.version, before);
  const waitsFor = cluster?.paused ? 'somebody to let it go on: it is paused' : plan.blocked;
  if (waitsFor !== undefined) {
    return { journal, haltsJobs: status?.haltsJobs ?? false, waitsFor };
  }
  const observed = observedClusterOf({
    ...{ plan, hosts, journal, jobManager, activeJobs, left, isLost, ageMs, words },
  });
  const processes = [...plan.processes.values()];
  const wanted = cluster === undefined ? { processes } : { processes, version: cluster.version };
  return nextClusterAction(wanted, observed, journal);
}

async function write(
  { clients, clock, plan, cluster }: ClusterWork,
  last: flink.FlinkClusterStatus | undefined,
  { journal, haltsJobs, waitsFor }: ClusterDecision,
  conditions: readonly ConditionReport[],
): Promise<flink.FlinkClusterStatus> {
  const report = {
    cluster: `flink-clusters/${plan.id}`,
    version: journal.rejected?.version ?? cluster?.version ?? last?.version ?? 0n,
    placement: cluster?.paused && last !== undefined ? placementOf(last) : plan.placement,
    ...{ journal, haltsJobs, conditions },
    ...(journal.good === cluster?.version && cluster?.spec && { goodSpec: cluster.spec }),
    ...(waitsFor !== undefined && { waitsFor }),
    ...(plan.proofs !== undefined && { proofs: plan.proofs }),
  };
  const flinkClusterStatus = clusterStatusOf(report, last, timestampToProto(clock.now()));
  if (last !== undefined && isSameClusterStatus(last, flinkClusterStatus)) return last;
  return await clients.flinkClusters.updateFlinkClusterStatus({ flinkClusterStatus });
}

/** Gives the host as it is afterwards. */
async function takeStep(
  { plan, access, clock, signal: parent }: ClusterWork,
  { kind, processId }: ClusterStep,
  host: SeenHost,
): Promise<SeenHost> {
  const { client } = host;
  invariant(client, 'a step is decided only for a host that was seen');
  const name = `processes/${processId}`;
  const taken = async (signal: AbortSignal) => {
    if (kind === 'stop') await client.stopProcess({ name }, { signal });
    else if (kind === 'forget')
      await client.deleteProcess({ name, allowMissing: true }, { signal });
    else {
      const { spec } = plan.processes.get(processId)!;
      await client.startProcess({ processId, spec }, { signal });
    }
    return { ...host, processes: await readProcesses(client, access, signal) };
  };
  const slow = { what: `changing ${host.name}`, reason: 'HOST_SLOW', parent, clock };
  return withDeadline(stepDeadlineMs, taken, slow);
}

function stepFailed({ kind, processId, host }: ClusterStep, error: unknown): ConditionReport {
  return {
    reason: 'STEP_FAILED',
    message: `${kind} of ${processId} on ${host}: ${messageOf(error)}`,
    metadata: { process: processId, host },
  };
}

/** Files of processes that run as wanted are put there again, for when they are started the next time. */
async function restoreFiles({
  plan,
  hosts,
  clock,
  log,
  signal: parent,
}: ClusterWork): Promise<void> {
  for (const host of hosts) {
    for (const { process } of processesOf(host, plan.id, plan.processes)) {
      const isAsWanted = plan.processes.get(process.id)?.fingerprint === process.fingerprint;
      if (!isAsWanted || process.state !== 'RUNNING' || process.changedFiles.length === 0) continue;
      const name = `processes/${process.id}`;
      const restored = (signal: AbortSignal) => host.client!.restoreFiles({ name }, { signal });
      const slow = { what: `changing ${host.name}`, reason: 'HOST_SLOW', parent, clock };
      await withDeadline(stepDeadlineMs, restored, slow).then(
        () => log.info({ host: host.name, process: name }, 'flink-cluster.files-restored'),
        (error) =>
          log.warn({ process: name, error: messageOf(error) }, 'flink-cluster.step-failed'),
      );
    }
  }
}

/** Nothing of a deleted cluster is left, as far as every host says on which something may run. */
async function forget(
  { clients, plan }: ClusterWork,
  { etag, started, waitsFor }: flink.FlinkClusterStatus,
): Promise<void> {
  if (started.length > 0 || waitsFor !== '') return;
  const name = clusterStatusName(plan.id);
  await clients.flinkClusters.deleteFlinkClusterStatus({ name, etag, allowMissing: true });
}
