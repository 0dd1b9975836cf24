import {
  type PlacedSegment,
  type Placement,
  type PlacementCondition,
  type PlacementHost,
  place,
} from '@tessera/placement';
import type { SeenNode, StoredItem } from './stored-item.ts';

/**
 * The nodes that shall hold each item. Segments and dictionaries are spread by `place`, each on as many nodes as its
 * replication says; what is placed stays where it is. A snapshot, which is small and which every scan of its
 * segments may need, shall be on all nodes.
 */
export function wantedPlacement(
  items: readonly StoredItem[],
  nodes: readonly SeenNode[],
): { readonly placement: Placement; readonly conditions: readonly PlacementCondition[] } {
  const hosts = placementHosts(nodes);
  const spread = items.filter(({ kind }) => kind !== 'snapshot');
  const placement = new Map<string, readonly string[]>();
  const conditions = new Map<string, PlacementCondition>();
  for (const [replication, group] of Map.groupBy(spread, (item) => item.replication)) {
    const current = new Map(group.map(({ name, recorded }) => [name, recorded]));
    const outcome = place(group.map(placedSegment), hosts, { replication, current });
    for (const [name, wanted] of outcome.placement) placement.set(name, wanted);
    for (const condition of outcome.conditions) conditions.set(condition.reason, condition);
  }
  const usable = hosts
    .filter(({ draining, capacityBytes }) => draining !== true && capacityBytes > 0)
    .map(({ id }) => id);
  const known = new Set(hosts.map(({ id }) => id));
  for (const { name, kind, usedOn = [] } of items) {
    if (kind !== 'snapshot') continue;
    const users = usedOn.filter((node) => known.has(node));
    placement.set(name, [...new Set([...usable, ...users])].sort());
  }
  return { placement, conditions: [...conditions.values()] };
}

/** Those that may hold something: one that was lost is none. */
export function placementHosts(nodes: readonly SeenNode[]): PlacementHost[] {
  return nodes
    .filter(({ state }) => state !== 'lost')
    .map(({ id, rack, capacityBytes, draining }) => ({
      id,
      capacityBytes,
      draining,
      ...(rack === '' ? {} : { rack }),
    }));
}

export function placedSegment({ name, bytes }: Pick<StoredItem, 'name' | 'bytes'>): PlacedSegment {
  return { id: name, bytes };
}
