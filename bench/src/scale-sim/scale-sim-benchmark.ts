import { parseArgs } from 'node:util';
import { simulationSuite as judged, type TraceClass } from '@tessera/flink-simulator';
import { makeReportFolder, over120, ratioToOracle, writeReport } from '@tessera/simulation-report';
import type { Benchmark, Reach } from '../benchmark.ts';
import {
  type Contestant,
  contestants,
  defaults,
  example,
  knowing,
  ours,
  tunedSettings,
} from './contestants.ts';
import { type Convergence, converge } from './convergence.ts';
import { type EntryFigures, measureEntry } from './measure-entry.ts';
import { printConvergence, printEntries, printExcess } from './print.ts';

/** How many slot-hours strategies need, and how well jobs keep up, on simulated days; and how soon wrong sizes are mended. */
export const scaleSimBenchmark: Benchmark = {
  name: 'scale-sim',
  summary:
    'scaling strategies on simulated jobs: --seeds 20 --entries NAME,… --against NAME,… --training --tuned --knowing --report FOLDER',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '20' },
        entries: { type: 'string', default: '' },
        training: { type: 'boolean', default: false },
        tuned: { type: 'boolean', default: false },
        knowing: { type: 'boolean', default: false },
        against: { type: 'string', default: '' },
        report: { type: 'string' },
      },
    });
    const all = values.training ? judged.trainingSeeds : judged.testSeeds;
    const seeds = all.slice(0, Number(values.seeds));
    const chosen = values.entries === '' ? undefined : values.entries.split(',');
    const entries = judged.suite.filter(({ name }) => chosen?.includes(name) ?? true);
    const shown = [...rivals(values.against), ...(values.knowing ? knowing : [])];
    const competing = values.tuned ? [...shown, ...tunedSettings] : shown;
    const names = shown.map(({ name }) => name);
    const { report } = values;
    if (report !== undefined) await makeReportFolder(report);
    const drawn = report === undefined ? [] : names;
    const figures: EntryFigures[] = [];
    for (const entry of entries) {
      figures.push(measureEntry(entry, { seeds, contestants: competing, drawn }));
      console.error(`${entry.name}: done`);
    }
    const convergence = converge(ours, seeds);
    printEntries(figures, names);
    printExcess(figures);
    printConvergence(convergence);
    if (report !== undefined) {
      const results = { seeds, strategies: names, baseline: defaults.name, traces: figures };
      const page = await writeReport(report, 'Scaling strategies on simulated Flink jobs', results);
      console.log(`\nReport: ${page}`);
    }
    return {
      reach: [...reachOf(figures), ...convergenceReach(convergence)],
      details: {
        seeds,
        entries: figures.map(({ drawn: _, ...entry }) => entry),
        convergence,
      },
    };
  },
};

/** Ours, Flink's at its defaults, which every figure needs, and of the others those that were asked for, or all. */
function rivals(against: string): readonly Contestant[] {
  if (against === '') return contestants;
  const names = against.split(',');
  return contestants.filter(
    (each) => each === ours || each === defaults || names.includes(each.name),
  );
}

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
  const ofClass = (traceClass: TraceClass, id: string): Reach[] => {
    const target = judged.oracleReach[traceClass];
    const ratios = figures
      .filter((entry) => entry.class === traceClass)
      .map((entry) => ratioToOracle(entry, ours.name));
    if (ratios.length === 0) return [];
    return [{ id, value: judged.suiteRatio(ratios), op: '<=', target, unit: 'x oracle' }];
  };
  const hasExample = figures.every(({ runs }) => example.name in runs);
  return [
    against(defaults.name, 'scale-sim-saved', 20),
    ...(hasExample ? [against(example.name, 'scale-sim-saved-example', 40)] : []),
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
    ...ofClass('predictable', 'scale-sim-oracle-predictable'),
    ...ofClass('unpredictable', 'scale-sim-oracle-unpredictable'),
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
