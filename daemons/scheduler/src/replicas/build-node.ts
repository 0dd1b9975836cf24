import { resourceIdOf } from '@tessera/base';
import { buildNodeAway, noStorageOnHost } from '../errors.ts';
import type { LiveNode } from './build-store.ts';

/** How the node that builds go through is chosen. */
export interface BuildNodeRule {
  /** Id of a storage node; absent: one on this host. */
  readonly buildNode?: string;
  readonly hostname: string;
}

/**
 * The node that takes in what an engine writes here: the staging directory has to be on a file system that both reach, so it is the
 * one that is configured, or the first that is alive on this host, rather one that is not being emptied.
 * @throws BUILD_NODE_AWAY, NO_STORAGE_ON_HOST
 */
export function chooseBuildNode(
  nodes: readonly LiveNode[],
  { buildNode, hostname }: BuildNodeRule,
): LiveNode {
  if (buildNode !== undefined) {
    const named = nodes.find(({ resource }) => resourceIdOf(resource.name) === buildNode);
    if (named?.isAlive !== true) throw buildNodeAway(buildNode);
    return named;
  }
  const here = nodes
    .filter(({ isAlive, resource }) => isAlive && resource.hostname === hostname)
    .sort((a, b) => rank(a) - rank(b) || (a.resource.name < b.resource.name ? -1 : 1));
  if (here[0] === undefined) throw noStorageOnHost(hostname);
  return here[0];
}

function rank({ resource }: LiveNode): number {
  return Number(resource.draining);
}
