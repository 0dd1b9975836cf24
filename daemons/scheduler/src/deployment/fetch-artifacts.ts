import { invariant, messageOf } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { metadata, host as wire } from '@tessera/proto';
import type { SeenHost } from './observe.ts';
import { missingArtifacts, type Placement } from './wanted.ts';

/**
 * Artifacts that hosts lack come from other hosts. The leader only says so: a host fetches by itself, and goes on with it
 * whoever leads. What is on its way, or here, is found by asking again.
 */

export interface ArtifactFetch {
  /** `hosts/{host}`. */
  readonly host: string;
  readonly artifact: metadata.DaemonArtifact;
  /** As another host has it; absent: none has. */
  readonly known?: wire.Artifact;
  /** Addresses of hosts that have it. */
  readonly sources: readonly string[];
}

const callDeadlineMs = 5_000;

/** What is to be fetched where: each artifact once for a host, however many daemons need it there. */
export function fetchesOf(
  placements: readonly Placement[],
  hosts: readonly SeenHost[],
): ArtifactFetch[] {
  return hosts.flatMap((host): ArtifactFetch[] => {
    if (host.artifacts === undefined) return [];
    const here = placements.filter(({ on }) => on.has(host.name));
    const missing = here.flatMap(({ daemon }) => missingArtifacts(daemon, host));
    const byName = Map.groupBy(missing, ({ artifact }) => artifact);
    return [...byName].map(([name, wanted]) => {
      const holders = hosts.filter(({ artifacts }) => artifacts?.has(name));
      const unpack = wanted.some((one) => one.unpack);
      return {
        host: host.name,
        artifact: { ...wanted[0]!, unpack },
        ...(holders[0] && { known: holders[0].artifacts!.get(name)! }),
        sources: spread(holders, host).map(({ address }) => address),
      };
    });
  });
}

/** Those of the same rack first, and not all hosts begin with the same one. */
function spread(holders: readonly SeenHost[], { name, rack }: SeenHost): readonly SeenHost[] {
  const others = holders.filter((holder) => holder.name !== name);
  const first = others.findIndex((holder) => holder.name > name);
  const turned = first <= 0 ? others : [...others.slice(first), ...others.slice(0, first)];
  const isNear = (holder: SeenHost) => rack !== '' && holder.rack === rack;
  return [...turned.filter(isNear), ...turned.filter((holder) => !isNear(holder))];
}

/** Sees to it that everything comes that is missing. Gives what fails, for people. */
export async function fetchMissing(
  placements: readonly Placement[],
  hosts: readonly SeenHost[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const fetches = fetchesOf(placements, hosts);
  const failures = await Promise.all(fetches.map((one) => fetch(one, hosts, signal)));
  return [...new Set(failures.filter((failure) => failure !== undefined))].sort();
}

async function fetch(
  { host, artifact: { artifact: name, unpack }, known, sources }: ArtifactFetch,
  hosts: readonly SeenHost[],
  parent: AbortSignal,
): Promise<string | undefined> {
  if (known === undefined) {
    return `No host that is alive has ${name}: put it with 'tessera artifact put FILE'.`;
  }
  const client = hosts.find((one) => one.name === host)?.client;
  invariant(client, 'only what a host was seen to lack is fetched');
  const { sizeBytes, displayName } = known;
  const request = { name, sizeBytes, displayName, sources: [...sources], unpack };
  const slow = { what: `asking ${host}`, reason: 'HOST_SLOW', parent };
  try {
    const asked = (signal: AbortSignal) => client.pullArtifact(request, { signal });
    const { failureReason, failureMessage } = await withDeadline(callDeadlineMs, asked, slow);
    return failureReason === '' ? undefined : `${host} has not ${name}: ${failureMessage}`;
  } catch (error) {
    return `${host} has not ${name}: ${messageOf(error)}`;
  }
}
