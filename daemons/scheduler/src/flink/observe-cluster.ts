import { resourceIdOf } from '@tessera/base';
import type {
  ClusterHost,
  ClusterJournal,
  ClusterProcess,
  EndedRun,
  ObservedCluster,
  ProcessRole,
} from '@tessera/flink';
import { missingArtifacts } from '../hosts/fetch-artifacts.ts';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { variables } from '../hosts/process-spec.ts';
import { bundleOf } from './flink-process.ts';
import type { SeenJobManager } from './job-manager.ts';
import type { ClusterPlan } from './plan-clusters.ts';
import { parseFlinkProcessId } from './process-id.ts';
import { processRoles } from './roles.ts';

/** What was seen of one cluster. */

export interface ClusterView {
  readonly plan: ClusterPlan;
  readonly hosts: readonly SeenHost[];
  readonly journal: ClusterJournal;
  /** Absent: it does not answer. */
  readonly jobManager: SeenJobManager | undefined;
  readonly activeJobs: number;
  /** Hosts that are not to be touched now, by name. */
  readonly left: ReadonlySet<string>;
  /** Whether it is certain that nothing runs on a host that is not seen. */
  readonly isLost: (host: SeenHost) => boolean;
  /** How long a run of a process has been seen. */
  readonly ageMs: (run: string) => number;
  /** Why processes have ended: see `lastWords`. */
  readonly words: ReadonlyMap<string, string>;
}

export function observedClusterOf(view: ClusterView): ObservedCluster {
  const { hosts, journal, jobManager, activeJobs } = view;
  const known = new Set(hosts.map(({ name }) => resourceIdOf(name)));
  // Somebody has taken it out of the inventory, and so vouches that nothing runs there.
  const removed = new Set(journal.started.map(({ host }) => host).filter((id) => !known.has(id)));
  return {
    hosts: [
      ...hosts.map((host) => observedHost(host, view)),
      ...[...removed].map((id): ClusterHost => ({ id, state: 'lost', processes: [] })),
    ],
    ...(jobManager === undefined
      ? { silentMs: silentMsOf(view) }
      : { registered: jobManager.taskManagers }),
    activeJobs,
  };
}

/** How long the JobManager of a cluster has not answered, whichever run of it. */
export function silentMsOf({ plan, ageMs }: Pick<ClusterView, 'plan' | 'ageMs'>): number {
  return ageMs(`silence of the JobManager of ${plan.id}`);
}

function observedHost(host: SeenHost, view: ClusterView): ClusterHost {
  const id = resourceIdOf(host.name);
  const isLeft = view.left.has(host.name);
  if (host.processes === undefined || isLeft) {
    return { id, state: view.isLost(host) ? 'lost' : 'silent', processes: [] };
  }
  const { spec } = view.plan;
  const isHere = spec === undefined || missingArtifacts(needOf(spec), host).length === 0;
  return {
    id,
    state: 'seen',
    processes: processesOf(host, view.plan.id, view.plan.processes).map(
      ({ process, role }): ClusterProcess => {
        const { state, fingerprint, run } = process;
        const ended = endOf(process, view.words);
        const facts = { id: process.id, role, state, fingerprint, ageMs: view.ageMs(run) };
        return { ...facts, ...(ended && { ended }) };
      },
    ),
    ...(!isHere && { lacks: 'the bundle of Flink' }),
  };
}

function endOf(
  { state, run, lastExit, hasEndedItself }: SeenProcess,
  words: ReadonlyMap<string, string>,
): EndedRun | undefined {
  const cause = words.get(run);
  // One that has ended since logs were read is told of by the next look.
  if (state !== 'BACKOFF' || !hasEndedItself || cause === undefined) return undefined;
  return { run, cause: cause || lastExit };
}

function needOf(spec: NonNullable<ClusterPlan['spec']>) {
  return { artifacts: [bundleOf(spec)] };
}

export interface OwnedProcess {
  readonly process: SeenProcess;
  readonly role: ProcessRole;
}

/** Those of a host that say they are of the cluster, and those that have the name of one of its processes. */
export function processesOf(
  { processes }: SeenHost,
  cluster: string,
  planned: { has(processId: string): boolean },
): OwnedProcess[] {
  return [...(processes?.values() ?? [])].flatMap((process) => {
    if (ownerOf(process) !== cluster && !planned.has(process.id)) return [];
    const word = process.spec?.environment[variables.flinkRole];
    const role = processRoles.find((one) => one === word) ?? parseFlinkProcessId(process.id)?.role;
    return role === undefined ? [] : [{ process, role }];
  });
}

/** The Flink cluster that a process says it belongs to. */
export function ownerOf({ spec }: SeenProcess): string | undefined {
  return spec?.environment[variables.flinkCluster];
}

/** Where processes of a role answer that run for a cluster, `host:port`. */
export function restAddressesOf(
  hosts: readonly SeenHost[],
  cluster: string,
  role: ProcessRole,
): string[] {
  return hosts.flatMap((host) =>
    processesOf(host, cluster, new Set()).flatMap(({ process, role: is }) => {
      const address = process.spec?.environment[variables.flinkRest];
      return is === role && process.state === 'RUNNING' && address !== undefined ? [address] : [];
    }),
  );
}
