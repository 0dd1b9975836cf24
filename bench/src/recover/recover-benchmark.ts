import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { ClusterClients, TestCluster } from '@tessera/testkit/cluster';
import type { Benchmark, Reach } from '../benchmark.ts';
import { median } from '../statistics.ts';
import { openShop } from './shop.ts';
import { until } from './until.ts';
import { type Stage, type Victim, victims } from './victims.ts';

const targetSeconds = { median: 3, worst: 5 } as const;

/** kill -9 of daemons of three hosts, and how long their users wait for the first right answer. */
export const recoverBenchmark: Benchmark = {
  name: 'recover',
  summary:
    'kill -9 of each kind of daemon and of a host [--runs 20] [--only KIND]; needs root and etcd',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { runs: { type: 'string', default: '20' }, only: { type: 'string' } },
    });
    const why = TestCluster.unusable();
    if (why !== undefined) throw new Error(`There can be no cluster here: ${why}`);
    const chosen = victims.filter(({ name }) => values.only === undefined || name === values.only);
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await TestCluster.start());
    const clients = stack.use(await ClusterClients.ofAdmin(cluster));
    const shop = await openShop(join(cluster.folder, 'shop'), clients.whole(0));
    const stage: Stage = { cluster, clients, shop };
    const seconds: Record<string, readonly number[]> = {};
    for (const victim of chosen)
      seconds[victim.name] = await measure(victim, stage, Number(values.runs));
    console.log(table(seconds));
    return { reach: Object.entries(seconds).flatMap(reachOf), details: { seconds } };
  },
};

async function measure(victim: Victim, stage: Stage, runs: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let n = 0; n < runs; n++) {
    await settled(stage);
    const { processes, recovered } = await victim.choose(stage, n);
    await Promise.all(processes.map((daemon) => daemon.end('SIGKILL')));
    const killedMs = performance.now();
    await recovered();
    seconds.push((performance.now() - killedMs) / 1000);
  }
  return seconds;
}

/** Everything runs and answers before the next blow, so that each is measured alone. */
async function settled({ cluster, clients, shop }: Stage): Promise<void> {
  await Promise.all(cluster.daemons.map((daemon) => daemon.untilReady()));
  for (const { queries } of clients.all('query')) await until(() => shop.answers(queries));
}

function reachOf([name, all]: [string, readonly number[]]): Reach[] {
  const of = (which: 'median' | 'worst', value: number): Reach => {
    const target = targetSeconds[which];
    return { id: `recover-${name}-${which}`, value, op: '<=', target, unit: 's' };
  };
  return [of('median', median(all)), of('worst', Math.max(...all))];
}

function table(seconds: Readonly<Record<string, readonly number[]>>): string {
  const rows = Object.entries(seconds).map(([name, all]) => [
    name,
    String(all.length),
    ...[Math.min(...all), median(all), Math.max(...all)].map((value) => value.toFixed(2)),
  ]);
  return formatTable(['KILLED', 'TIMES', 'LEAST S', 'MEDIAN S', 'WORST S'], rows);
}
