/**
 * Deployments: which daemons run on which hosts. Deciding compares what is wanted with what was seen, and gives one
 * step that may be repeated, or lost, without harm. A host that is not seen is left as it is.
 */

/** What is wanted of one kind of daemon. */
export interface DaemonWanted {
  /** Of its process on every host. */
  readonly processId: string;
  readonly hosts: HostSelector;
  /** Says everything about how it is run: another fingerprint, another process. */
  readonly fingerprint: string;
  /** How many may be down at once because of a change; one or more. */
  readonly maxUnavailable: number;
}

export interface HostSelector {
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: any. */
  readonly racks: readonly string[];
  /** Names; empty: any. */
  readonly hosts: readonly string[];
  /** 0: all. */
  readonly limit: number;
}

export interface DeploymentWanted {
  readonly daemons: readonly DaemonWanted[];
  readonly isPaused: boolean;
}

export interface ObservedHost {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rack: string;
  /** Those of the deployment. Absent: the host is gone, or did not answer. */
  readonly processes?: readonly ObservedProcess[];
}

export interface ObservedProcess {
  readonly id: string;
  readonly state: 'STARTING' | 'RUNNING' | 'BACKOFF' | 'STOPPING' | 'STOPPED' | 'EXITED';
  readonly fingerprint: string;
}

export type DeploymentAction =
  | { readonly kind: 'start'; readonly host: string; readonly daemon: DaemonWanted }
  | { readonly kind: 'stop'; readonly host: string; readonly processId: string }
  /** It has ended and is not wanted any more. */
  | { readonly kind: 'delete'; readonly host: string; readonly processId: string };

/** The next step towards what is wanted, or nothing. */
export function decide(
  { daemons, isPaused }: DeploymentWanted,
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  if (isPaused) return undefined;
  const placed = daemons.map((daemon) => ({ daemon, on: select(daemon.hosts, hosts) }));
  const unwanted = removeUnwanted(placed, hosts);
  if (unwanted !== undefined) return unwanted;
  for (const { daemon, on } of placed) {
    const action = startMissing(daemon, on) ?? replaceOne(daemon, on);
    if (action !== undefined) return action;
  }
  return undefined;
}

/** The hosts that fit, by name. */
export function select(
  { labels, racks, hosts: names, limit }: HostSelector,
  hosts: readonly ObservedHost[],
): readonly ObservedHost[] {
  const fits = (host: ObservedHost) =>
    Object.entries(labels).every(([label, value]) => host.labels[label] === value) &&
    (racks.length === 0 || racks.includes(host.rack)) &&
    (names.length === 0 || names.includes(host.name));
  const fitting = hosts.filter(fits).sort((a, b) => (a.name < b.name ? -1 : 1));
  return limit === 0 ? fitting : fitting.slice(0, limit);
}

interface Placed {
  readonly daemon: DaemonWanted;
  readonly on: readonly ObservedHost[];
}

function removeUnwanted(
  placed: readonly Placed[],
  hosts: readonly ObservedHost[],
): DeploymentAction | undefined {
  for (const host of hosts) {
    const wanted = placed.filter(({ on }) => on.includes(host));
    for (const { id, state } of host.processes ?? []) {
      if (state === 'STOPPING' || wanted.some(({ daemon }) => daemon.processId === id)) continue;
      const kind = hasEnded(state) ? 'delete' : 'stop';
      return { kind, host: host.name, processId: id };
    }
  }
  return undefined;
}

/** What has ended was stopped for a change, or by somebody; either way it is wanted. */
function startMissing(
  daemon: DaemonWanted,
  on: readonly ObservedHost[],
): DeploymentAction | undefined {
  const host = on.find(({ processes }) => {
    if (processes === undefined) return false;
    const process = processes.find(({ id }) => id === daemon.processId);
    return process === undefined || hasEnded(process.state);
  });
  return host && { kind: 'start', host: host.name, daemon };
}

/**
 * Stops one that runs as it was wanted before, when not too many are down already. Those that do not run anyhow come
 * first: stopping them takes nothing away.
 */
function replaceOne(
  daemon: DaemonWanted,
  on: readonly ObservedHost[],
): DeploymentAction | undefined {
  const found = on.map((host) => ({
    host,
    process: host.processes?.find(({ id }) => id === daemon.processId),
  }));
  const isUp = (one: (typeof found)[number]) => one.process?.state === 'RUNNING';
  const old = found.filter(
    ({ process }) =>
      process !== undefined &&
      process.state !== 'STOPPING' &&
      process.fingerprint !== daemon.fingerprint,
  );
  const downCount = found.filter((one) => !isUp(one)).length;
  const mayTakeOne = downCount < daemon.maxUnavailable;
  const next = old.find((one) => !isUp(one)) ?? (mayTakeOne ? old[0] : undefined);
  return next && { kind: 'stop', host: next.host.name, processId: daemon.processId };
}

function hasEnded(state: ObservedProcess['state']): boolean {
  return state === 'STOPPED' || state === 'EXITED';
}
