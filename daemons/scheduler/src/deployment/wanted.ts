import { resourceIdOf } from '@tessera/base';
import type { metadata, host as wire } from '@tessera/proto';
import {
  type ArtifactHolder,
  type ArtifactNeed,
  missingArtifacts,
} from '../hosts/fetch-artifacts.ts';
import type { HostFacts } from '../hosts/observe-hosts.ts';
import { fingerprintOf } from '../hosts/process-spec.ts';
import type { DeploymentWanted } from './decide.ts';
import { processIdOf, specOn } from './process-spec.ts';

/** One daemon of a deployment with the hosts that it is wanted on. */
export interface Placement {
  readonly daemon: metadata.DaemonSpec;
  readonly processId: string;
  /** How it is run, by name of the host. */
  readonly on: ReadonlyMap<string, wire.ProcessSpec>;
}

/** Which daemons are wanted where, in the order of the deployment. */
export function placementsOf(
  deployment: metadata.Deployment,
  hosts: readonly HostFacts[],
): Placement[] {
  const id = resourceIdOf(deployment.name);
  return deployment.daemons.map((daemon) => {
    const chosen = select(daemon.hosts ?? everywhere, hosts);
    return {
      daemon,
      processId: processIdOf(id, daemon.name),
      on: new Map(chosen.map((host) => [host.name, specOn(deployment, daemon, host)])),
    };
  });
}

/** The artifacts that daemons need, and where. */
export function needsOf(placements: readonly Placement[]): ArtifactNeed[] {
  return placements.map(({ daemon: { artifacts }, on }) => ({ artifacts, on }));
}

/** @param hosts as they were seen last: a daemon is only wanted to run where its artifacts are */
export function wantedOf(
  placements: readonly Placement[],
  { paused }: Pick<metadata.Deployment, 'paused'>,
  hosts: readonly ArtifactHolder[],
): DeploymentWanted {
  return {
    isPaused: paused,
    daemons: placements.map(({ daemon, processId, on }) => ({
      processId,
      unready: new Set(
        [...on.keys()].filter((name) => {
          const host = hosts.find((one) => one.name === name);
          return missingArtifacts(daemon, host).length > 0;
        }),
      ),
      on: new Map([...on].map(([host, spec]) => [host, fingerprintOf(spec)])),
      maxUnavailable: daemon.maxUnavailable || 1,
    })),
  };
}

const everywhere: metadata.HostSelector = { labels: {}, racks: [], hosts: [], limit: 0 };

/** The hosts that fit, by name. */
export function select<Host extends Pick<HostFacts, 'name' | 'labels' | 'rack'>>(
  { labels, racks, hosts: names, limit }: metadata.HostSelector,
  hosts: readonly Host[],
): readonly Host[] {
  const fits = (host: Host) =>
    Object.entries(labels).every(([label, value]) => host.labels[label] === value) &&
    (racks.length === 0 || racks.includes(host.rack)) &&
    (names.length === 0 || names.includes(host.name));
  const fitting = hosts.filter(fits).sort((a, b) => (a.name < b.name ? -1 : 1));
  return limit === 0 ? fitting : fitting.slice(0, limit);
}
