import type { SeenState } from '../hosts/observe-hosts.ts';

/**
 * Deployments: which daemons run on which hosts. Deciding compares what is wanted with what was seen, and gives one
 * step that may be repeated, or lost, without harm. A host that is not seen is left as it is.
 */

/** What is wanted of one kind of daemon. */
export interface DaemonWanted {
  /** Of its process on every host. */
  readonly processId: string;
  /** By name of each host that it is wanted on: the fingerprint of how it is run there. */
  readonly on: ReadonlyMap<string, string>;
  /** Hosts that have not yet what it needs there: nothing is started for it, and nothing stopped. */
  readonly unready: ReadonlySet<string>;
  /** How many may be down at once because of a change; one or more. */
  readonly maxUnavailable: number;
}

export interface DeploymentWanted {
  /** In the order in which they are changed. */
  readonly daemons: readonly DaemonWanted[];
  readonly isPaused: boolean;
}

export interface ObservedHost {
  readonly name: string;
  /** Those of the deployment. Absent: the host is gone, or did not answer. */
  readonly processes?: readonly ObservedProcess[];
}

export interface ObservedProcess {
  readonly id: string;
  readonly state: SeenState;
  /** Says everything about how it is run: another fingerprint, another process. */
  readonly fingerprint: string;
  /** False: its program runs, but does not say that it serves. */
  readonly isServing: boolean;
  /** Whether it was started for the version that is wanted now. */
  readonly isOfThisVersion: boolean;
  /** Files beside it are not as it was started with. */
  readonly hasChangedFiles: boolean;
}

export type DeploymentAction =
  | { readonly kind: 'start'; readonly host: string; readonly processId: string }
  | { readonly kind: 'stop'; readonly host: string; readonly processId: string }
  /** Its files are put there again as they are wanted; it runs on. */
  | { readonly kind: 'restore'; readonly host: string; readonly processId: string }
  /** It has ended and is not wanted any more. */
  | { readonly kind: 'delete'; readonly host: string; readonly processId: string };

/** The next step towards what is wanted, or nothing. */
export function decide(
  { daemons, isPaused }: DeploymentWanted,
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  if (isPaused) return undefined;
  return (
    removeForgotten(daemons, hosts) ??
    firstOf(daemons, (daemon) => startMissing(daemon, hosts)) ??
    firstOf(daemons, (daemon) => restoreChanged(daemon, hosts)) ??
    replaceNext(daemons, hosts) ??
    firstOf(daemons, (daemon) => removeSurplus(daemon, hosts))
  );
}

/** Whether the wanted version of a daemon was tried somewhere and does not stay up. */
export function hasFailed(daemon: DaemonWanted, hosts: readonly ObservedHost[]): boolean {
  return placesOf(daemon, hosts).some(
    ({ process, fingerprint }) =>
      process?.state === 'BACKOFF' && process.fingerprint === fingerprint,
  );
}

/** Whether a daemon runs and, where that can be asked, says that it serves. */
export function isUp(process: ObservedProcess | undefined): boolean {
  return process?.state === 'RUNNING' && process.isServing;
}

/** A host on which a daemon is wanted, and what is there of it. */
interface Place {
  readonly host: string;
  readonly isSeen: boolean;
  readonly isReady: boolean;
  readonly fingerprint: string;
  readonly process: ObservedProcess | undefined;
}

function placesOf(
  { processId, on, unready }: DaemonWanted,
  hosts: readonly ObservedHost[],
): Place[] {
  return hosts.flatMap(({ name, processes }) => {
    const fingerprint = on.get(name);
    if (fingerprint === undefined) return [];
    const process = processes?.find(({ id }) => id === processId);
    const isSeen = processes !== undefined;
    return [{ host: name, isSeen, isReady: !unready.has(name), fingerprint, process }];
  });
}

/** What no daemon of the deployment is called. */
function removeForgotten(
  daemons: readonly DaemonWanted[],
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  const known = new Set(daemons.map(({ processId }) => processId));
  for (const { name, processes = [] } of hosts) {
    for (const process of processes) {
      const action = known.has(process.id) ? undefined : remove(name, process);
      if (action !== undefined) return action;
    }
  }
  return undefined;
}

/** What has ended was stopped for a change, or by somebody; either way it is wanted. */
function startMissing(
  daemon: DaemonWanted,
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  const place = placesOf(daemon, hosts).find(
    ({ isSeen, isReady, process }) =>
      isSeen && isReady && (process === undefined || hasEnded(process)),
  );
  return place && { kind: 'start', host: place.host, processId: daemon.processId };
}

/** Of one that is about to be replaced the files do not matter any more. */
function restoreChanged(
  daemon: DaemonWanted,
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  const place = placesOf(daemon, hosts).find(
    ({ process, fingerprint }) =>
      process?.hasChangedFiles === true &&
      process.state === 'RUNNING' &&
      process.fingerprint === fingerprint,
  );
  return place && { kind: 'restore', host: place.host, processId: daemon.processId };
}

/**
 * Stops one process that runs as it was wanted before. What serves is only taken from the first daemon that is not
 * changed yet; what is down anyhow, from any.
 */
function replaceNext(
  daemons: readonly DaemonWanted[],
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  const changing = daemons.find((daemon) => isChanging(daemon, hosts));
  return firstOf(daemons, (daemon) => {
    const places = placesOf(daemon, hosts);
    const old = places.filter(
      ({ process, fingerprint, isReady }) =>
        process !== undefined &&
        isReady &&
        process.state !== 'STOPPING' &&
        process.fingerprint !== fingerprint,
    );
    const mayTakeOne =
      daemon === changing && downCount(places) < daemon.maxUnavailable && !hasFailed(daemon, hosts);
    const next = old.find(({ process }) => !isUp(process)) ?? (mayTakeOne ? old[0] : undefined);
    return next && { kind: 'stop', host: next.host, processId: daemon.processId };
  });
}

/** A daemon that is down since an earlier version keeps nothing back: the change behind it may be what mends it. */
function isChanging(daemon: DaemonWanted, hosts: readonly ObservedHost[]): boolean {
  return placesOf(daemon, hosts).some(
    ({ isSeen, process, fingerprint }) =>
      isSeen &&
      (process?.fingerprint !== fingerprint || (!isUp(process) && process.isOfThisVersion)),
  );
}

/** Where a daemon is not wanted any more it ends when all that replace it are up; at once, when it is down anyhow. */
function removeSurplus(
  daemon: DaemonWanted,
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  const isReplaced = downCount(placesOf(daemon, hosts)) === 0;
  for (const { name, processes = [] } of hosts) {
    if (daemon.on.has(name)) continue;
    const process = processes.find(({ id }) => id === daemon.processId);
    if (process === undefined || (isUp(process) && !isReplaced)) continue;
    const action = remove(name, process);
    if (action !== undefined) return action;
  }
  return undefined;
}

function remove(host: string, process: ObservedProcess): DeploymentAction | undefined {
  if (process.state === 'STOPPING') return undefined;
  return { kind: hasEnded(process) ? 'delete' : 'stop', host, processId: process.id };
}

/** Those on hosts that are not seen are among them. */
function downCount(places: readonly Place[]): number {
  return places.filter(({ process }) => !isUp(process)).length;
}

function hasEnded({ state }: ObservedProcess): boolean {
  return state === 'STOPPED' || state === 'EXITED';
}

function firstOf<T, R>(items: readonly T[], found: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const result = found(item);
    if (result !== undefined) return result;
  }
  return undefined;
}
