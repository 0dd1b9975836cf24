import { formatTable } from '@tessera/cli';
import { simulationSuite as judged } from '@tessera/flink-simulator';
import { over120, ratioToOracle } from '@tessera/simulation-report';
import { ours } from './contestants.ts';
import type { Convergence } from './convergence.ts';
import { excessKinds } from './excess.ts';
import type { EntryFigures } from './measure-entry.ts';

export function printEntries(figures: readonly EntryFigures[], names: readonly string[]): void {
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

/** In percent of the oracle's slot-hours. */
export function printExcess(figures: readonly EntryFigures[]): void {
  const rows = figures.map((entry) => {
    const oracle = judged.mean(entry.oracle.map(({ slotHours }) => slotHours));
    const parts = excessKinds.map((kind) => judged.mean(entry.excess.map((each) => each[kind])));
    return [entry.name, ...parts.map((part) => ((100 * part) / oracle).toFixed(1))];
  });
  console.log(
    `\nWhere the slot-hours of ${ours.name} beyond the oracle's go, in percent of those\n`,
  );
  console.log(formatTable(['TRACE', ...excessKinds], rows));
}

export function printConvergence(convergence: readonly Convergence[]): void {
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
