import { Packing } from './packing.ts';
import type { PlacementInput, PlacementOutcome, ProcessRole } from './placement.ts';

/** How many more processes of one group the hosts could hold beside what is placed. Room that is kept for others counts as free. */
export function furtherRoom(
  input: PlacementInput,
  { processes }: Pick<PlacementOutcome, 'processes'>,
  { cluster: id, role }: { readonly cluster: string; readonly role: ProcessRole },
): number {
  const packing = new Packing(input);
  const clusters = new Map(input.clusters.map((cluster) => [cluster.id, cluster]));
  for (const process of processes) {
    const cluster = clusters.get(process.cluster);
    const demand = cluster?.groups.find((group) => group.role === process.role);
    const host = packing.numberOf(process.host);
    if (cluster === undefined || demand === undefined || host === undefined) continue;
    packing.place({ cluster, demand }, host, process);
  }
  const cluster = clusters.get(id);
  const demand = cluster?.groups.find((group) => group.role === role);
  if (cluster === undefined || demand === undefined) return 0;
  const group = { cluster, demand };
  const room = packing.supplies(group).reduce((sum, supply) => sum + supply.room, 0);
  return Math.min(room, packing.allowance(group));
}
