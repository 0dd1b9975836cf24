import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import type { Benchmark, Reach } from '../benchmark.ts';
import { type PlatformProcess, startPlatformProcess } from '../platform-process.ts';
import { median, percentile } from '../statistics.ts';
import { type LoadFigures, load } from './load.ts';
import { buildSales, smallSourceStatement, writeSales } from './sales.ts';

/** Callers of small statements beside callers of heavy ones, when the door is compared with none. */
const beside = { small: 64, heavy: 8, smallTimeoutMs: 60_000 };
/** Callers of small statements at the load that the platform is good for; a statement is of use for a second. */
const onceLoad = { small: 8, heavy: 2, smallTimeoutMs: 1_000 };
const loads = [1, 2, 10];
/** Callers of small statements that no cuboid answers: alone, and beside heavy ones that DuckDB runs as well. */
const bySource = { small: 4, smallTimeoutMs: 60_000, smallSql: smallSourceStatement };
const besideOf = [0, 4];

type Door = 'admission' | 'open';

/** Many callers of small statements beside heavy ones, with the query daemon's admission and without. */
export const overloadBenchmark: Benchmark = {
  name: 'overload',
  summary: 'small statements beside heavy ones: --rows 3000000 --seconds 5 --rounds 2',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rows: { type: 'string', default: '3000000' },
        seconds: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '2' },
      },
    });
    const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
    const folder = mkdtempSync(join(tmpdir(), 'tessera-overload-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    await writeSales(folder, Number(values.rows));
    const platforms = {
      admission: stack.use(await platformWith('admission', folder)),
      open: stack.use(await platformWith('open', folder)),
    };
    const compared: Record<Door, LoadFigures[]> = { admission: [], open: [] };
    for (let round = 0; round < rounds; round++) {
      for (const door of ['admission', 'open'] as const) {
        const { address } = platforms[door];
        compared[door].push(await load({ address, seconds, ...beside }));
      }
    }
    const { address } = platforms.admission;
    const growing: LoadFigures[] = [];
    for (const times of loads) {
      growing.push(await load({ address, seconds, ...onceLoad, small: onceLoad.small * times }));
    }
    const sourced: LoadFigures[] = [];
    for (const heavy of besideOf) {
      sourced.push(await load({ address, seconds, ...bySource, heavy }));
    }
    const rss = { admission: peakOf(platforms.admission), open: peakOf(platforms.open) };
    print(compared, growing, sourced);
    const details = { ...detailsOf(compared, growing, rss), sourced: sourced.map(inShort) };
    return { reach: reachOf(compared, growing, rss), details };
  },
};

async function platformWith(door: Door, folder: string): Promise<PlatformProcess> {
  const main = join(import.meta.dirname, 'platform.ts');
  const args = door === 'open' ? ['--open'] : [];
  const platform = await startPlatformProcess(join(folder, door), args, main);
  await buildSales(platform.address, folder);
  return platform;
}

function peakOf(platform: PlatformProcess): number {
  return platform.peakRssBytes() / 1e6;
}

function p99(figures: readonly LoadFigures[]): number {
  return median(figures.map(({ smallMs }) => percentile(smallMs, 0.99)));
}

function reachOf(
  compared: Readonly<Record<Door, readonly LoadFigures[]>>,
  growing: readonly LoadFigures[],
  rss: Readonly<Record<Door, number>>,
): Reach[] {
  const open = p99(compared.open);
  const once = growing[0]!.smallPerSecond;
  const most = growing.at(-1)!.smallPerSecond;
  const beside = { rival: 'no admission', unit: 'ms', rivalValue: open };
  return [
    {
      id: 'overload-small-p99',
      value: p99(compared.admission),
      op: '<=',
      target: open / 2,
      ...beside,
    },
    {
      id: 'overload-goodput-10x',
      value: (100 * most) / once,
      op: '>=',
      target: 90,
      unit: '% of 1x',
    },
    { id: 'overload-peak-rss', value: rss.admission, op: '<=', target: 3_000, unit: 'MB' },
  ];
}

function detailsOf(
  compared: Readonly<Record<Door, readonly LoadFigures[]>>,
  growing: readonly LoadFigures[],
  rss: Readonly<Record<Door, number>>,
) {
  return {
    compared: { admission: compared.admission.map(inShort), open: compared.open.map(inShort) },
    growing: growing.map(inShort),
    peakRssMegabytes: rss,
  };
}

function inShort({ smallMs, ...figures }: LoadFigures) {
  return { ...figures, p50: percentile(smallMs, 0.5), p99: percentile(smallMs, 0.99) };
}

function print(
  compared: Readonly<Record<Door, readonly LoadFigures[]>>,
  growing: readonly LoadFigures[],
  sourced: readonly LoadFigures[],
): void {
  const row = (name: string, figures: LoadFigures) => [
    name,
    `${figures.small} + ${figures.heavy}`,
    percentile(figures.smallMs, 0.5).toFixed(1),
    percentile(figures.smallMs, 0.99).toFixed(1),
    figures.smallPerSecond.toFixed(0),
    figures.heavyPerSecond.toFixed(1),
    JSON.stringify(figures.refused),
  ];
  console.log(
    formatTable(
      ['DOOR', 'CALLERS', 'P50 MS', 'P99 MS', 'SMALL/S', 'HEAVY/S', 'REFUSED'],
      [
        ...compared.admission.flatMap((figures, i) => [
          row('admission', figures),
          row('open', compared.open[i]!),
        ]),
        ...growing.map((figures, i) => row(`${loads[i]}x`, figures)),
        ...sourced.map((figures) => row('by source', figures)),
      ],
    ),
  );
}
