import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { simulationSuite as judged } from '@tessera/testkit/flink-simulator';
import type { Benchmark, Reach } from '../benchmark.ts';
import { contestants, defaults, example, ours, tunedSettings } from './contestants.ts';
import { type Convergence, converge } from './convergence.ts';
import { type EntryFigures, measureEntry, ratioToOracle } from './measure-entry.ts';

/** How many slot-hours strategies need, and how well jobs keep up, on simulated days; and how soon wrong sizes are mended. */
export const scaleSimBenchmark: Benchmark = {
  name: 'scale-sim',
  summary: 'scaling strategies on simulated jobs: --seeds 20 --entries NAME,… --training --tuned',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '20' },
        entries: { type: 'string', default: '' },
        training: { type: 'boolean', default: false },
        tuned: { type: 'boolean', default: false },
      },
    });
    const all = values.training ? judged.trainingSeeds : judged.testSeeds;
    const seeds = all.slice(0, Number(values.seeds));
    const chosen = values.entries === '' ? undefined : values.entries.split(',');
    const entries = judged.suite.filter(({ name }) => chosen?.includes(name) ?? true);
    const competing = values.tuned ? [...contestants, ...tunedSettings] : contestants;
    const figures: EntryFigures[] = [];
    for (const entry of entries) {
      figures.push(measureEntry(entry, seeds, competing));
      console.error(`${entry.name}: done`);
    }
    const convergence = converge(ours, seeds);
    printEntries(figures);
    printConvergence(convergence);
    return {
      reach: [...reachOf(figures), ...convergenceReach(convergence)],
      details: { seeds, entries: figures, convergence },
    };
  },
};

function reachOf(figures: readonly EntryFigures[]): readonly Reach[] {
  const against = (rival: string, id: string, target: number): Reach => {
    const ratios = figures.map((entry) =>
      entry.runs[ours.name]!.map((run, i) => {
        return run.slotHours / entry.runs[rival]![i]!.slotHours;
      }),
    );
    const saved = 100 * (1 - judged.suiteRatio(ratios));
    return { id, value: saved, op: '>=', target, unit: '% fewer slot-hours', rival, rivalValue: 0 };
  };
  const ofClass = (traceClass: string, id: string, target: number): Reach[] => {
    const ratios = figures
      .filter((entry) => entry.class === traceClass)
      .map((entry) => ratioToOracle(entry, ours.name));
    if (ratios.length === 0) return [];
    return [{ id, value: judged.suiteRatio(ratios), op: '<=', target, unit: 'x oracle' }];
  };
  return [
    against(defaults.name, 'scale-sim-saved', 20),
    against(example.name, 'scale-sim-saved-example', 40),
    {
      id: 'scale-sim-later-traces',
      value: figures.filter((entry) => over120(entry, ours.name) > over120(entry, defaults.name))
        .length,
      op: '<=',
      target: 0,
      unit: 'traces with more time over 120 s',
      rival: defaults.name,
      rivalValue: 0,
    },
    ...ofClass('predictable', 'scale-sim-oracle-predictable', 1.1),
    ...ofClass('unpredictable', 'scale-sim-oracle-unpredictable', 1.2),
    {
      id: 'scale-sim-thrash',
      value: figures
        .filter(({ trace }) => trace === 'flat-noisy')
        .reduce((sum, { runs }) => sum + judged.mean(runs[ours.name]!.map((run) => run.thrash)), 0),
      op: '<=',
      target: 0,
      unit: 'reversals within an hour on flat-noisy',
    },
  ];
}

function convergenceReach(convergence: readonly Convergence[]): readonly Reach[] {
  const worst = (of: (each: Convergence) => number) => Math.max(...convergence.map(of));
  return [
    {
      id: 'scale-sim-converge-rescales',
      value: worst((c) => c.rescales),
      op: '<=',
      target: 2,
      unit: 'rescales',
    },
    {
      id: 'scale-sim-converge-minutes',
      value: worst((c) => c.minutes),
      op: '<=',
      target: 10,
      unit: 'min',
    },
    {
      id: 'scale-sim-converge-slots',
      value: worst((c) => c.slots),
      op: '<=',
      target: 1.15,
      unit: 'x optimum',
    },
  ];
}

const over120 = ({ runs }: EntryFigures, name: string): number =>
  judged.mean(runs[name]!.map((run) => run.over120));

function printEntries(figures: readonly EntryFigures[]): void {
  const names = contestants.map(({ name }) => name);
  const rows = figures.map((entry) => [
    entry.name,
    judged.mean(entry.oracle.map(({ slotHours }) => slotHours)).toFixed(0),
    ...names.map((name) => {
      const runs = entry.runs[name]!;
      const ratio = judged.mean(ratioToOracle(entry, name)).toFixed(2);
      const perDay = judged.mean(runs.map(({ rescales, days }) => rescales / days)).toFixed(1);
      return `${ratio} (${perDay}; ${over120(entry, name).toFixed(2)})`;
    }),
  ]);
  const all = names.map((name) =>
    judged.suiteRatio(figures.map((entry) => ratioToOracle(entry, name))).toFixed(3),
  );
  console.log(
    '\nSlot-hours over those of the oracle (rescales per day; % of the time over 120 s of lag)\n',
  );
  console.log(
    formatTable(['TRACE', 'ORACLE', ...names], [...rows, ['geometric mean', '', ...all]]),
  );
  const tuned = figures.flatMap(({ tunedRatio }) =>
    tunedRatio === undefined ? [] : [[tunedRatio]],
  );
  if (tuned.length === 0) return;
  console.log(
    `\nflink-autoscaler with the best setting of each trace: ${judged.suiteRatio(tuned).toFixed(3)}`,
  );
}

function printConvergence(convergence: readonly Convergence[]): void {
  console.log('\nFrom a wrong size to the right one at a constant load, the worst of all seeds\n');
  console.log(
    formatTable(
      ['JOB', 'FROM', 'RESCALES', 'MINUTES', 'SLOTS x OPTIMUM'],
      convergence.map(({ job, from, rescales, minutes, slots }) => [
        job,
        from,
        String(rescales),
        minutes.toFixed(1),
        slots.toFixed(2),
      ]),
    ),
  );
}
