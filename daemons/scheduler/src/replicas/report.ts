import type { PlacementCondition } from '@tessera/placement';
import type { SeenNode, StoredItem } from './stored-item.ts';
import { wantedPlacement } from './wanted.ts';

/** Where items are and where they shall be, at one moment. */
export interface ReplicationReport {
  readonly nodes: readonly NodeReport[];
  /** The worst first. */
  readonly degraded: readonly DegradedReport[];
  readonly conditions: readonly PlacementCondition[];
  /** Items that deep storage has no whole copy of; 0 when it has none of any: then there is no deep storage. */
  readonly lackingInDeep: number;
}

export interface NodeReport {
  readonly node: SeenNode;
  readonly items: number;
  readonly bytes: number;
  readonly pendingItems: number;
  readonly pendingBytes: number;
}

export interface DegradedReport {
  readonly item: StoredItem;
  readonly alive: readonly string[];
  readonly reason: 'NO_REPLICA_ALIVE' | 'NODES_TOO_FEW' | 'REPLICA_LOST';
}

/** Nodes that are not alive count as lost here: what is only on them is degraded at once. */
export function reportReplication(
  items: readonly StoredItem[],
  nodes: readonly SeenNode[],
): ReplicationReport {
  const { placement, conditions } = wantedPlacement(items, nodes);
  const alive = new Set(nodes.filter(({ state }) => state === 'alive').map(({ id }) => id));
  const usable = nodes.filter(({ id, draining }) => alive.has(id) && !draining).length;
  const degraded = items.flatMap((item): DegradedReport[] => {
    const held = item.recorded.filter((node) => alive.has(node));
    if (held.length >= item.replication) return [];
    if (held.length === 0) return [{ item, alive: held, reason: 'NO_REPLICA_ALIVE' }];
    const reason = usable < item.replication ? 'NODES_TOO_FEW' : 'REPLICA_LOST';
    return [{ item, alive: held, reason }];
  });
  return {
    nodes: nodeReports(nodes, items, placement),
    degraded: degraded.sort((a, b) => a.alive.length - b.alive.length),
    conditions,
    lackingInDeep: items.some(({ inDeepStorage }) => inDeepStorage)
      ? items.filter(({ inDeepStorage }) => !inDeepStorage).length
      : 0,
  };
}

/** In one pass over the items, as there may be a hundred thousand of them and hundreds of nodes. */
function nodeReports(
  nodes: readonly SeenNode[],
  items: readonly StoredItem[],
  placement: ReadonlyMap<string, readonly string[]>,
): NodeReport[] {
  const reports = new Map(
    nodes.map((node) => [node.id, { node, items: 0, bytes: 0, pendingItems: 0, pendingBytes: 0 }]),
  );
  for (const { name, bytes, recorded } of items) {
    for (const id of recorded) {
      const report = reports.get(id);
      if (report === undefined) continue;
      report.items++;
      report.bytes += bytes;
    }
    for (const id of placement.get(name) ?? []) {
      const report = recorded.includes(id) ? undefined : reports.get(id);
      if (report === undefined) continue;
      report.pendingItems++;
      report.pendingBytes += bytes;
    }
  }
  return [...reports.values()];
}
