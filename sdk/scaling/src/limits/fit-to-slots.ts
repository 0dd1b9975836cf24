import { type JobTopology, type JobVertex, type Parallelism, slotsOf } from '../topology.ts';

/** Size that is wanted, size that the job has, and what no vertex goes below. */
export interface SizesToFit {
  readonly wanted: Parallelism;
  readonly current: Parallelism;
  lowest(vertex: JobVertex): number;
}

/**
 * The size nearest to the wanted one that takes no more than `slots`, or nothing: not even the lowest one fits. Slot
 * sharing groups lose alike in proportion. No vertex falls below both what it has and what is wanted, unless the job
 * has too many slots already.
 */
export function fitToSlots(
  topology: JobTopology,
  { wanted, current, lowest }: SizesToFit,
  slots: number,
): Parallelism | undefined {
  if (slotsOf(topology, wanted) <= slots) return wanted;
  const kept = sizeOf(topology, ({ id }) => Math.min(current[id]!, wanted[id]!));
  const least = sizeOf(topology, (vertex) => Math.min(lowest(vertex), wanted[vertex.id]!));
  const base = [kept, least].find((size) => slotsOf(topology, size) <= slots);
  if (base === undefined) return undefined;
  const widths = grown(widthsOf(topology, base), widthsOf(topology, wanted), slots);
  return sizeOf(topology, ({ id, slotSharingGroup }) =>
    Math.max(base[id]!, Math.min(wanted[id]!, widths.get(slotSharingGroup)!)),
  );
}

/** One slot after the other goes to the group that has the least of what it wants. */
function grown(
  base: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, number>,
  slots: number,
): ReadonlyMap<string, number> {
  const widths = new Map(base);
  let left = slots - widths.values().reduce((sum, width) => sum + width, 0);
  while (left > 0) {
    let poorest: string | undefined;
    for (const [group, width] of widths) {
      if (width >= wanted.get(group)!) continue;
      if (poorest === undefined || shareOf(group) < shareOf(poorest)) poorest = group;
    }
    if (poorest === undefined) break;
    widths.set(poorest, widths.get(poorest)! + 1);
    left--;
  }
  return widths;

  function shareOf(group: string): number {
    return widths.get(group)! / wanted.get(group)!;
  }
}

function widthsOf({ vertices }: JobTopology, size: Parallelism): ReadonlyMap<string, number> {
  const widths = new Map<string, number>();
  for (const { id, slotSharingGroup } of vertices) {
    widths.set(slotSharingGroup, Math.max(widths.get(slotSharingGroup) ?? 0, size[id]!));
  }
  return widths;
}

const sizeOf = ({ vertices }: JobTopology, of: (vertex: JobVertex) => number): Parallelism =>
  Object.fromEntries(vertices.map((vertex) => [vertex.id, of(vertex)]));
