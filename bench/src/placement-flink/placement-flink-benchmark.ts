import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { type PlacementInput, placeClusters, placementCost } from '@tessera/flink';
import type { Benchmark } from '../benchmark.ts';
import { median } from '../statistics.ts';
import { exactCost } from './exact-cost.ts';
import { firstFit } from './first-fit.ts';
import { largeClusters, largeHosts, smallInstance } from './instances.ts';

/** How fast Flink's processes are placed on hosts, and how far from the least cost. */
export const placementFlinkBenchmark: Benchmark = {
  name: 'placement-flink',
  summary:
    'TaskManagers on hosts: time, gap to the optimum: --managers 1000 --hosts 200 --instances 200',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        managers: { type: 'string', default: '1000' },
        hosts: { type: 'string', default: '200' },
        rounds: { type: 'string', default: '9' },
        instances: { type: 'string', default: '200' },
        seed: { type: 'string', default: '1' },
      },
    });
    const times = [1, 20, 100].map((clusters) =>
      timeOf(Number(values.hosts), Number(values.managers), clusters, Number(values.rounds)),
    );
    const gaps = await gapsOf(Number(values.seed), Number(values.instances));
    print(times, gaps);
    const slowest = times.toSorted((a, b) => b.milliseconds - a.milliseconds)[0]!;
    return {
      reach: [
        {
          id: 'placement-flink-ms',
          value: slowest.milliseconds,
          op: '<=',
          target: 100,
          unit: 'ms',
          rival: 'first fit',
          rivalValue: slowest.firstFitMilliseconds,
        },
        {
          id: 'placement-flink-gap',
          value: gaps.tessera.mean,
          op: '<=',
          target: 3,
          unit: '%',
          rival: 'first fit',
          rivalValue: gaps.firstFit.mean,
        },
      ],
      details: { times, gaps },
    };
  },
};

interface Times {
  readonly clusters: number;
  readonly placed: number;
  /** Median of placing everything anew. */
  readonly milliseconds: number;
  readonly firstFitMilliseconds: number;
  /** Median of placing again after a host is lost. */
  readonly lostHostMilliseconds: number;
  readonly cost: number;
}

function timeOf(hostCount: number, managers: number, clusterCount: number, rounds: number): Times {
  const input = { hosts: largeHosts(hostCount), clusters: largeClusters(managers, clusterCount) };
  const ours: number[] = [];
  const theirs: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(elapsedMs(() => placeClusters(input)));
    theirs.push(elapsedMs(() => firstFit(input)));
    const current = placeClusters(input).processes;
    const hosts = input.hosts.filter(({ id }) => id !== current[round]!.host);
    again.push(elapsedMs(() => placeClusters({ ...input, hosts, current })));
  }
  const { processes } = placeClusters(input);
  return {
    clusters: clusterCount,
    placed: processes.length,
    milliseconds: median(ours),
    firstFitMilliseconds: median(theirs),
    lostHostMilliseconds: median(again),
    cost: placementCost(input, processes),
  };
}

function elapsedMs(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

interface Gaps {
  readonly solved: number;
  readonly unsolved: number;
  readonly infeasible: number;
  /** Instances that have a placement of everything which was not found. */
  readonly tessera: Gap;
  readonly firstFit: Gap;
}

/** In percent of the least cost, over the instances where everything was placed. */
interface Gap {
  readonly mean: number;
  readonly worst: number;
  readonly notFound: number;
}

async function gapsOf(firstSeed: number, instances: number): Promise<Gaps> {
  const counts = { unsolved: 0, infeasible: 0 };
  const ours: (number | undefined)[] = [];
  const theirs: (number | undefined)[] = [];
  for (let seed = firstSeed; seed < firstSeed + instances; seed++) {
    const input = smallInstance(seed);
    const least = await exactCost(input, { timeLimitSeconds: 10 });
    if (least === undefined) counts.unsolved++;
    else if (least === 'infeasible') counts.infeasible++;
    else {
      ours.push(gapOf(input, placeClusters(input).processes, least));
      theirs.push(gapOf(input, firstFit(input), least));
    }
  }
  return { solved: ours.length, ...counts, tessera: summary(ours), firstFit: summary(theirs) };
}

/** `undefined`: not everything was placed. */
function gapOf(
  input: PlacementInput,
  processes: Parameters<typeof placementCost>[1] | undefined,
  least: number,
): number | undefined {
  const wanted = input.clusters
    .flatMap(({ groups }) => groups)
    .reduce((sum, { count }) => sum + count, 0);
  if (processes?.length !== wanted) return undefined;
  return 100 * (placementCost(input, processes) / least - 1);
}

function summary(gaps: readonly (number | undefined)[]): Gap {
  const found = gaps.filter((gap) => gap !== undefined);
  return {
    mean: found.reduce((sum, gap) => sum + gap, 0) / Math.max(1, found.length),
    worst: Math.max(0, ...found),
    notFound: gaps.length - found.length,
  };
}

function print(times: readonly Times[], gaps: Gaps): void {
  console.log(
    formatTable(
      ['CLUSTERS', 'PROCESSES', 'MS', 'FIRST FIT MS', 'AFTER A LOST HOST MS', 'COST'],
      times.map((each) => [
        String(each.clusters),
        String(each.placed),
        each.milliseconds.toFixed(1),
        each.firstFitMilliseconds.toFixed(1),
        each.lostHostMilliseconds.toFixed(1),
        String(each.cost),
      ]),
    ),
  );
  console.log(
    formatTable(
      ['PLACER', 'MEAN GAP %', 'WORST %', 'NOT FOUND', 'OF'],
      (['tessera', 'firstFit'] as const).map((name) => [
        name,
        gaps[name].mean.toFixed(2),
        gaps[name].worst.toFixed(1),
        String(gaps[name].notFound),
        String(gaps.solved),
      ]),
    ),
  );
  console.log(
    `${gaps.infeasible} instances have no placement, ${gaps.unsolved} were not solved in time`,
  );
}
