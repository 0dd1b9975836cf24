import { whyNot } from './eligibility.ts';
import { type Group, keyOf, type Packing } from './packing.ts';
import type { PlacedProcess, PlacementInput } from './placement.ts';

/** What of the current placement does not stay as it is, by group. */
export interface Leftover {
  /** On hosts that are there but must not be used: to go elsewhere, when there is room. */
  readonly stranded: ReadonlyMap<string, readonly PlacedProcess[]>;
  /** Clusters that have a process on a host that is there. */
  readonly running: ReadonlySet<string>;
}

/** Leaves what is placed where it is, as far as it is wanted and its host fit for it. */
export function keepCurrent(
  packing: Packing,
  groups: readonly Group[],
  { current = [], retired = [], idle = [] }: PlacementInput,
): Leftover {
  for (const process of [...current, ...retired]) packing.takeNumber(process);
  const byGroup = Map.groupBy(current, ({ cluster, role }) => keyOf(cluster, role));
  const stranded = new Map<string, readonly PlacedProcess[]>();
  const running = new Set<string>();
  for (const group of groups) {
    const key = keyOf(group.cluster.id, group.demand.role);
    const there = (byGroup.get(key) ?? []).filter(
      ({ host }) => packing.numberOf(host) !== undefined,
    );
    if (there.length > 0) running.add(group.cluster.id);
    const fit = there.filter((process) => isFit(packing, group, process));
    const isIdle = ({ number }: PlacedProcess) =>
      idle.some((one) => one.number === number && keyOf(one.cluster, one.role) === key);
    for (const process of mostEven(packing, fit, group.demand.count, isIdle)) {
      keep(packing, group, process);
    }
    stranded.set(key, there.filter((process) => !isFit(packing, group, process)).sort(byNumber));
  }
  return { stranded, running };
}

function isFit(packing: Packing, { cluster }: Group, { host }: PlacedProcess): boolean {
  return whyNot(cluster, packing.rooms[packing.numberOf(host)!]!.host) === undefined;
}

function keep(packing: Packing, group: Group, process: PlacedProcess): void {
  const host = packing.numberOf(process.host)!;
  const { size, maxPerHost = Number.MAX_SAFE_INTEGER } = group.demand;
  const own = packing
    .processesOf(group.cluster.id, group.demand.role)
    .filter((other) => other.host === process.host).length;
  if (packing.rooms[host]!.count(size) >= 1 && own < maxPerHost) {
    packing.place(group, host, process);
  }
}

/**
 * So many of them: those without work go first; of them the fullest rack gives first, and in it the host with the fewest of them, the
 * highest number first.
 */
function mostEven(
  packing: Packing,
  processes: readonly PlacedProcess[],
  count: number,
  isIdle: (process: PlacedProcess) => boolean,
): readonly PlacedProcess[] {
  const kept = processes.toSorted(byNumber);
  const rackOf = ({ host }: PlacedProcess) => packing.racks[packing.numberOf(host)!]!;
  while (kept.length > count) {
    const byRack = countsBy(kept, rackOf);
    const byHost = countsBy(kept, ({ host }) => host);
    const rank = (process: PlacedProcess) =>
      byRack.get(rackOf(process))! * (processes.length + 1) - byHost.get(process.host)!;
    const idle = kept.filter(isIdle);
    const candidates = idle.length > 0 ? idle : kept;
    const last = candidates.reduce((worst, each) => (rank(each) >= rank(worst) ? each : worst));
    kept.splice(kept.indexOf(last), 1);
  }
  return kept;
}

function countsBy<T, K>(items: readonly T[], keyOfItem: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) {
    const key = keyOfItem(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function byNumber(a: PlacedProcess, b: PlacedProcess): number {
  return a.number - b.number;
}
