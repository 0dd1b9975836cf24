import { invariant } from '@tessera/base';
import type { FlinkHost, GroupDemand, PlacementInput } from '@tessera/flink';
import highs from 'highs';

// The package is an ES module whose types say that it is not one.
const loadSolver = highs as unknown as typeof highs.default;

const gib = 2 ** 30;

interface ExactOptions {
  /** Instances that take longer are given up. */
  readonly timeLimitSeconds: number;
}

/**
 * The least cost of placing everything, by integer programming (HiGHS): a count for each group and host, a host that is used or not, and what each rack holds beyond the even share. For instances with one
 * disk per host and without rules between clusters. `infeasible`: not everything can be placed; `undefined`: not solved in time.
 */
export async function exactCost(
  { hosts, clusters }: PlacementInput,
  { timeLimitSeconds }: ExactOptions,
): Promise<number | 'infeasible' | undefined> {
  const groups = clusters.flatMap((cluster) => cluster.groups);
  const solver = await loadSolver();
  const solution = solver.solve(programOf(hosts, groups), {
    time_limit: timeLimitSeconds,
    mip_rel_gap: 0,
  });
  if (solution.Status === 'Infeasible') return 'infeasible';
  if (solution.Status !== 'Optimal') return undefined;
  return Math.round(solution.ObjectiveValue);
}

/** In CPLEX LP format: x of group and host, u of a used host, b of group and rack. */
function programOf(hosts: readonly FlinkHost[], groups: readonly GroupDemand[]): string {
  const racks = [...new Set(hosts.map(({ rack = '' }) => rack))];
  const rows: string[] = [];
  const sum = (terms: readonly string[]) => terms.join(' + ');
  hosts.forEach((host, h) => {
    const [disk] = host.disks;
    invariant(host.disks.length === 1 && disk !== undefined, 'a host has one disk');
    const bound = (need: (group: GroupDemand) => number, has: number) => {
      const terms = groups.flatMap((group, g) =>
        need(group) > 0 ? [`${need(group)} x${g}_${h}`] : [],
      );
      if (terms.length > 0) rows.push(`${sum(terms)} - ${has} u${h} <= 0`);
    };
    bound(({ size }) => size.cpuMillis / 1_000, host.cpuMillis / 1_000);
    bound(({ size }) => size.memoryBytes / gib, host.memoryBytes / gib);
    bound(({ size }) => size.diskBytes / gib, disk.bytes / gib);
    bound(({ size }) => size.ports, host.ports.last - host.ports.first + 1);
  });
  const beyond: string[] = [];
  const bounds: string[] = [];
  groups.forEach((group, g) => {
    rows.push(`${sum(hosts.map((_, h) => `x${g}_${h}`))} = ${group.count}`);
    const usable = racks.filter((rack) =>
      hosts.some((host) => (host.rack ?? '') === rack && holdsOne(host, group)),
    );
    const share = Math.ceil(group.count / Math.max(1, usable.length));
    racks.forEach((rack, r) => {
      const there = hosts.flatMap((host, h) => ((host.rack ?? '') === rack ? [`x${g}_${h}`] : []));
      rows.push(`${sum(there)} - b${g}_${r} <= ${share}`);
      beyond.push(`b${g}_${r}`);
    });
    const most = Math.min(group.count, group.maxPerHost ?? group.count);
    for (const h of hosts.keys()) bounds.push(`0 <= x${g}_${h} <= ${most}`);
  });
  const counts = groups.flatMap((_, g) => hosts.map((__, h) => `x${g}_${h}`));
  const used = hosts.map((_, h) => `u${h}`);
  return [
    'Minimize',
    `cost: ${sum([...used, ...beyond])}`,
    'Subject To',
    ...rows.map((row, i) => `c${i}: ${row}`),
    'Bounds',
    ...bounds,
    'General',
    counts.join(' '),
    'Binary',
    used.join(' '),
    'End',
  ].join('\n');
}

function holdsOne(host: FlinkHost, { size }: GroupDemand): boolean {
  return (
    host.cpuMillis >= size.cpuMillis &&
    host.memoryBytes >= size.memoryBytes &&
    host.disks[0]!.bytes >= size.diskBytes
  );
}
