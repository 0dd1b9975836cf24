import { type Clock, invariant, messageOf } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { host as wire } from '@tessera/proto';
import type { SeenHost } from './observe-hosts.ts';

/**
 * Artifacts that hosts lack come from other hosts. The leader only says so: a host fetches by itself, and goes on with it
 * whoever leads. What is on its way, or here, is found by asking again.
 */

/** What a process finds under a path. */
export type NeededArtifact = Pick<wire.ArtifactLink, 'artifact' | 'path' | 'unpack'>;

/** What processes of one kind need, and on which hosts, by name, they are to run. */
export interface ArtifactNeed {
  readonly artifacts: readonly NeededArtifact[];
  readonly on: { has(host: string): boolean };
}

export interface ArtifactFetch {
  /** `hosts/{host}`. */
  readonly host: string;
  readonly artifact: NeededArtifact;
  /** As another host has it; absent: none has. */
  readonly known?: wire.Artifact;
  /** Addresses of hosts that have it. */
  readonly sources: readonly string[];
}

const callDeadlineMs = 5_000;

/** What is to be fetched where: each artifact once for a host, however many processes need it there. */
export function fetchesOf(
  needs: readonly ArtifactNeed[],
  hosts: readonly SeenHost[],
): ArtifactFetch[] {
  return hosts.flatMap((host): ArtifactFetch[] => {
    if (host.artifacts === undefined) return [];
    const here = needs.filter(({ on }) => on.has(host.name));
    const missing = here.flatMap((need) => missingArtifacts(need, host));
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
  needs: readonly ArtifactNeed[],
  hosts: readonly SeenHost[],
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<readonly string[]> {
  const fetches = fetchesOf(needs, hosts);
  const failures = await Promise.all(fetches.map((one) => fetch(one, hosts, { signal, clock })));
  return [...new Set(failures.filter((failure) => failure !== undefined))].sort();
}

async function fetch(
  { host, artifact: { artifact: name, unpack }, known, sources }: ArtifactFetch,
  hosts: readonly SeenHost[],
  { signal: parent, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<string | undefined> {
  if (known === undefined) {
    return `No host that is alive has ${name}: put it with 'tessera artifact put FILE'.`;
  }
  const client = hosts.find((one) => one.name === host)?.client;
  invariant(client, 'only what a host was seen to lack is fetched');
  const { sizeBytes, displayName } = known;
  const request = { name, sizeBytes, displayName, sources: [...sources], unpack };
  const slow = { what: `asking ${host}`, reason: 'HOST_SLOW', parent, clock };
  try {
    const asked = (signal: AbortSignal) => client.pullArtifact(request, { signal });
    const { failureReason, failureMessage } = await withDeadline(callDeadlineMs, asked, slow);
    return failureReason === '' ? undefined : `${host} has not ${name}: ${failureMessage}`;
  } catch (error) {
    return `${host} has not ${name}: ${messageOf(error)}`;
  }
}

/** A host, and what it has by `artifacts/{sha256}`; absent: it is not seen. */
export interface ArtifactHolder {
  readonly name: string;
  readonly artifacts?: ReadonlyMap<string, Pick<wire.Artifact, 'unpacked'>>;
}

/** What of the needed artifacts is not yet on a host, or not yet unpacked there. */
export function missingArtifacts(
  { artifacts }: Pick<ArtifactNeed, 'artifacts'>,
  host: Pick<ArtifactHolder, 'artifacts'> | undefined,
): NeededArtifact[] {
  return artifacts.filter(({ artifact, unpack }) => {
    const found = host?.artifacts?.get(artifact);
    return found === undefined || (unpack && !found.unpacked);
  });
}
