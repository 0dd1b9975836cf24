import { seededRandom } from '@tessera/base';
import {
  type PlacedProcess,
  type PlacementInput,
  placeClusters,
  placementCost,
} from '@tessera/flink';
import { expect, test } from 'vitest';
import { exactCost } from './exact-cost.ts';
import { smallInstance } from './instances.ts';

/** A few hosts and few processes of the usual small instances. */
function tinyInstance(seed: number): PlacementInput {
  const { integer } = seededRandom(seed);
  const { hosts, clusters } = smallInstance(seed);
  return {
    hosts: hosts.slice(0, 4),
    clusters: clusters.slice(0, 2).map((cluster) => ({
      ...cluster,
      groups: cluster.groups.map((group) => ({
        ...group,
        count: group.role === 'jobmanager' ? 1 : integer(1, 2),
      })),
    })),
  };
}

/** The least cost by trying every host for every process. */
function costByExhaustion(input: PlacementInput): number | 'infeasible' {
  const wanted = input.clusters.flatMap(({ id, groups }) =>
    groups.flatMap((group) =>
      Array.from({ length: group.count }, (_, i) => ({ cluster: id, group, number: i + 1 })),
    ),
  );
  let least: number | 'infeasible' = 'infeasible';
  const visit = (placed: readonly PlacedProcess[]): void => {
    const next = wanted[placed.length];
    if (next === undefined) {
      const cost = placementCost(input, placed);
      if (least === 'infeasible' || cost < least) least = cost;
      return;
    }
    const { cluster, group, number } = next;
    for (const { id } of input.hosts) {
      const process: PlacedProcess = { cluster, role: group.role, number, host: id, ports: [] };
      if (isWithinHost(input, [...placed, process], id)) visit([...placed, process]);
    }
  };
  visit([]);
  return least;
}

function isWithinHost(
  { hosts, clusters }: PlacementInput,
  placed: readonly PlacedProcess[],
  id: string,
): boolean {
  const host = hosts.find((each) => each.id === id)!;
  const groups = placed
    .filter((process) => process.host === id)
    .map(
      ({ cluster, role }) =>
        clusters.find((each) => each.id === cluster)!.groups.find((group) => group.role === role)!,
    );
  const sum = (of: (group: (typeof groups)[number]) => number) =>
    groups.reduce((all, group) => all + of(group), 0);
  return (
    sum(({ size }) => size.cpuMillis) <= host.cpuMillis &&
    sum(({ size }) => size.memoryBytes) <= host.memoryBytes &&
    sum(({ size }) => size.diskBytes) <= host.disks[0]!.bytes &&
    groups.every(
      (group) => groups.filter((other) => other === group).length <= (group.maxPerHost ?? 99),
    )
  );
}

test('integer programming finds the least cost, and no placement is below it', async () => {
  let solved = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const input = tinyInstance(seed);
    const exact = await exactCost(input, { timeLimitSeconds: 60 });
    expect(exact, `seed ${seed}`).toBe(costByExhaustion(input));
    const { processes, conditions } = placeClusters(input);
    if (exact === 'infeasible' || conditions.some(({ reason }) => reason === 'CAPACITY_SHORT'))
      continue;
    solved++;
    expect(placementCost(input, processes), `seed ${seed}`).toBeGreaterThanOrEqual(exact!);
  }
  expect(solved).toBeGreaterThan(2);
});
