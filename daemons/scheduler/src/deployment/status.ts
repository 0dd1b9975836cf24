import { resourceIdOf } from '@tessera/base';
import { metadata } from '@tessera/proto';
import type { SeenHost, SeenProcess } from '../hosts/observe-hosts.ts';
import { differencesOf } from '../hosts/process-spec.ts';
import { type DeploymentWanted, hasFailed } from './decide.ts';
import { ownerOf } from './observe.ts';
import type { Placement } from './wanted.ts';

export interface StatusView {
  readonly deployment: metadata.Deployment;
  readonly placements: readonly Placement[];
  readonly wanted: DeploymentWanted;
  readonly hosts: readonly SeenHost[];
  readonly observed: Parameters<typeof hasFailed>[1];
  readonly drifts: readonly metadata.Drift[];
  /** Why steps failed in this pass. */
  readonly failures: readonly string[];
}

export function statusName(deployment: string): string {
  return `deployment-statuses/${resourceIdOf(deployment)}`;
}

/** How far a deployment is carried out, as people and other daemons read it. */
export function statusOf(view: StatusView): metadata.DeploymentStatus {
  const { deployment, drifts } = view;
  const processes = [...wantedProcesses(view), ...surplusProcesses(view)];
  return metadata.DeploymentStatus.fromPartial({
    name: statusName(deployment.name),
    version: deployment.version,
    ...stateOf(view, processes),
    processes,
    drifts,
  });
}

function wantedProcesses({ placements, hosts, wanted }: StatusView): metadata.DeployedProcess[] {
  const isFetching = (processId: string, host: string) =>
    wanted.daemons.some((one) => one.processId === processId && one.unready.has(host));
  return placements.flatMap(({ daemon, processId, on }) =>
    [...on].map(([name, spec]) => {
      const seen = hosts.find((host) => host.name === name);
      const process = seen?.processes?.get(processId);
      const differences = process === undefined ? [] : differencesOf(process.spec, spec);
      const word = seen?.processes === undefined ? 'HOST_GONE' : wordOf(process);
      const waits = ['MISSING', 'STOPPED'].includes(word) && isFetching(processId, name);
      const state = waits ? 'FETCHING' : word;
      const facts = { host: name, process: `processes/${processId}`, daemon: daemon.name };
      return { ...facts, state, differences, surplus: false };
    }),
  );
}

function surplusProcesses({ deployment, placements, hosts }: StatusView) {
  const id = resourceIdOf(deployment.name);
  const isWanted = (process: string, host: string) =>
    placements.some(({ processId, on }) => processId === process && on.has(host));
  return hosts.flatMap(({ name, processes }) =>
    [...(processes?.values() ?? [])]
      .filter((process) => ownerOf(process) === id && !isWanted(process.id, name))
      .map((process): metadata.DeployedProcess => {
        const daemon = process.id.slice(id.length + 1);
        const facts = { host: name, process: `processes/${process.id}`, daemon };
        return { ...facts, state: wordOf(process), differences: [], surplus: true };
      }),
  );
}

/** @param process absent: it is not on the host */
function wordOf(process: SeenProcess | undefined): string {
  if (process === undefined) return 'MISSING';
  switch (process.state) {
    case 'RUNNING':
      return process.isServing ? 'RUNNING' : 'NOT_SERVING';
    case 'BACKOFF':
      return 'CRASH_LOOP';
    case 'EXITED':
      return 'STOPPED';
    default:
      return process.state;
  }
}

const {
  ROLLOUT_STATE_CURRENT,
  ROLLOUT_STATE_CHANGING,
  ROLLOUT_STATE_HALTED,
  ROLLOUT_STATE_PAUSED,
} = metadata.RolloutState;

function stateOf(
  { deployment, wanted, observed, hosts, failures }: StatusView,
  processes: readonly metadata.DeployedProcess[],
): Pick<metadata.DeploymentStatus, 'state' | 'message'> {
  if (deployment.paused) return { state: ROLLOUT_STATE_PAUSED, message: '' };
  const failed = wanted.daemons.filter((daemon) => hasFailed(daemon, observed));
  if (failed.length > 0) {
    const messages = failed.flatMap(({ processId }) => endsOf(processId, hosts));
    return { state: ROLLOUT_STATE_HALTED, message: messages.join(' ') };
  }
  const late = processes.filter(
    ({ state, differences, surplus }) => state !== 'RUNNING' || differences.length > 0 || surplus,
  );
  if (late.length === 0) return { state: ROLLOUT_STATE_CURRENT, message: '' };
  const gone = [
    ...new Set(late.filter(({ state }) => state === 'HOST_GONE').map(({ host }) => host)),
  ];
  const waits = gone.length === 0 ? [] : [`There is no answer from ${gone.join(', ')}.`];
  const message = [...failures, ...waits, ...heldFrom(processes, hosts)].join(' ');
  return { state: ROLLOUT_STATE_CHANGING, message };
}

/** What cannot serve, as somebody else has its port. */
function heldFrom(
  processes: readonly metadata.DeployedProcess[],
  hosts: readonly SeenHost[],
): string[] {
  return processes.flatMap(({ host, process, state }) => {
    const seen = hosts.find(({ name }) => name === host)?.processes;
    const heldBy = seen?.get(resourceIdOf(process))?.heldBy;
    if (state !== 'NOT_SERVING' || heldBy === undefined) return [];
    return [`${resourceIdOf(process)} does not serve on ${host}: ${heldBy}.`];
  });
}

function endsOf(processId: string, hosts: readonly SeenHost[]): string[] {
  return hosts.flatMap(({ name, processes }) => {
    const process = processes?.get(processId);
    if (process?.state !== 'BACKOFF') return [];
    const why = [process.lastExit || 'it ended', ...(process.heldBy ? [process.heldBy] : [])];
    return [`${processId} does not stay up on ${name}: ${why.join('; ')}.`];
  });
}

/** Whether two statuses say the same, whenever they were written. */
export function isSameStatus(
  a: metadata.DeploymentStatus | undefined,
  b: metadata.DeploymentStatus,
): boolean {
  if (a === undefined) return false;
  const textOf = ({ version, state, message, processes, drifts }: metadata.DeploymentStatus) =>
    metadata.DeploymentStatus.encode(
      metadata.DeploymentStatus.fromPartial({ version, state, message, processes, drifts }),
    ).finish();
  return Buffer.compare(textOf(a), textOf(b)) === 0;
}
