import { simulationSuite as judged } from '@tessera/flink-simulator';
import { element, Markup } from './chart/markup.ts';
import { duration } from './chart/numbers.ts';
import type { Drawings } from './drawings.ts';
import { fileNameOf } from './drawings.ts';
import type { JudgedTrace } from './losses.ts';
import { type Figures, figuresOf, ratioToOracle, type SimulationResults } from './results.ts';
import { inWords, seedsInWords } from './seeds.ts';
import { style } from './style.ts';

/** The whole report as one page that needs nothing else: neither network nor scripts. */
export function page(
  title: string,
  results: SimulationResults,
  traces: readonly JudgedTrace[],
  drawings: Drawings,
): string {
  const body = element(
    'body',
    {},
    element('h1', {}, title),
    seedsInWords(results.seeds).map(({ kind, words }) =>
      element('p', { class: `seeds ${kind}` }, words),
    ),
    summary(results, traces),
    lost(results, traces),
    element('h2', {}, 'All traces'),
    element('div', { class: 'drawing' }, drawings.overview),
    ratios(results, traces),
    traces.map((trace) => section(results, trace, drawings.courses.get(trace.result.name))),
    explanations(results),
  );
  const head = element(
    'head',
    {},
    new Markup('<meta charset="utf-8">'),
    new Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
    element('title', {}, title),
    element('style', {}, new Markup(style)),
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).text}\n`;
}

/** Brought together as the suite says: the geometric mean over traces of the mean over seeds. */
function summary(results: SimulationResults, traces: readonly JudgedTrace[]): Markup {
  const { strategies } = results;
  const rows = strategies.map((name) => {
    const figures = traces.map(({ result }) => figuresOf(result, name));
    const mean = (of: (each: Figures) => number) => judged.mean(figures.map(of));
    const ratio = judged.suiteRatio(traces.map(({ result }) => ratioToOracle(result, name)));
    return [
      name,
      ratio.toFixed(3),
      saved(traces, strategies[0]!, name),
      mean((each) => each.over120).toFixed(2),
      mean((each) => each.rescalesPerDay).toFixed(1),
      mean((each) => each.reversalsPerDay).toFixed(1),
    ];
  });
  const headings = [
    'Strategy',
    'Slot-hours × oracle',
    `${strategies[0]} saves against it`,
    '% of time over 120 s',
    'Rescales per day',
    'Reversals per day',
  ];
  return table(headings, rows);
}

function saved(traces: readonly JudgedTrace[], ours: string, rival: string): string {
  if (rival === ours) return '';
  const ratio = judged.suiteRatio(
    traces.map(({ result: { runs } }) =>
      runs[ours]!.map((run, i) => run.slotHours / runs[rival]![i]!.slotHours),
    ),
  );
  return `${(100 * (1 - ratio)).toFixed(1)} %`;
}

function lost(results: SimulationResults, traces: readonly JudgedTrace[]): readonly Markup[] {
  const ours = results.strategies[0]!;
  const those = traces.filter(({ losses }) => losses.length > 0);
  const of = `${those.length} of ${traces.length} traces`;
  const title = `Where ${ours} loses: ${those.length === 0 ? 'on no trace' : of}`;
  const items = those.map(({ result, losses }) =>
    element(
      'li',
      {},
      element('a', { href: `#${fileNameOf(result.name)}` }, result.name),
      `: ${losses.map(({ words }) => words).join('; ')}.`,
    ),
  );
  return [element('h2', {}, title), ...(items.length === 0 ? [] : [element('ul', {}, items)])];
}

function ratios({ strategies }: SimulationResults, traces: readonly JudgedTrace[]): Markup {
  const rows = traces.map(({ result, losses }) => [
    losses.length > 0 ? `${result.name} (lost)` : result.name,
    result.class,
    judged.mean(result.oracle.map(({ slotHours }) => slotHours)).toFixed(0),
    ...strategies.map((name) => {
      const { ratio, over120 } = figuresOf(result, name);
      return `${ratio.toFixed(2)} (${over120.toFixed(2)} %)`;
    }),
  ]);
  const headings = ['Trace', 'Class', 'Oracle, slot-hours', ...strategies];
  return element(
    'div',
    {},
    element('p', {}, "Slot-hours over the oracle's, in brackets the time over 120 s of lag."),
    table(headings, rows, (i) => traces[i]!.losses.length > 0),
  );
}

function section(
  { seeds, strategies }: SimulationResults,
  { result, losses }: JudgedTrace,
  drawing: Markup | undefined,
): Markup {
  const isLost = losses.length > 0;
  const oracleHours = judged.mean(result.oracle.map(({ slotHours }) => slotHours));
  const oracleRescales = judged.mean(result.oracle.map(({ rescales }) => rescales));
  const days = result.runs[strategies[0]!]![0]!.days;
  const rows = strategies.map((name) => {
    const each = figuresOf(result, name);
    return [
      name,
      each.slotHours.toFixed(1),
      each.ratio.toFixed(2),
      each.over120.toFixed(2),
      each.rescalesPerDay.toFixed(1),
      each.reversalsPerDay.toFixed(1),
      duration(each.maxLagSeconds),
    ];
  });
  const best = ['oracle', oracleHours.toFixed(1), '1.00', '', (oracleRescales / days).toFixed(1)];
  return element(
    'section',
    { id: fileNameOf(result.name), class: isLost ? 'lost' : undefined },
    element('h2', {}, `${isLost ? 'Lost: ' : ''}${result.name}`),
    losses.map(({ words }) => element('p', { class: 'loss' }, `${capitalized(words)}.`)),
    table(
      [
        'Strategy',
        'Slot-hours',
        '× oracle',
        '% over 120 s',
        'Rescales per day',
        'Reversals per day',
        'Worst lag',
      ],
      [...rows, [...best, '', '']],
    ),
    result.drawn === undefined || drawing === undefined
      ? []
      : [
          element('p', {}, drawnInWords(result.drawn.seed, seeds, strategies)),
          element('div', { class: 'drawing' }, drawing),
        ],
  );
}

function drawnInWords(
  seed: number,
  seeds: readonly number[],
  strategies: readonly string[],
): string {
  const why =
    seeds.length > 1 ? `, on which ${strategies[0]} needs the most beyond the oracle` : '';
  return `Drawn is ${inWords(seed)}${why}.`;
}

function explanations({ baseline }: SimulationResults): Markup {
  const reach = judged.oracleReach;
  const later = baseline === undefined ? '' : ` when it is over 120 s for longer than ${baseline},`;
  const words = [
    `The oracle knows load and job beforehand and pays ${judged.rescaleCost} slot-hour for a rescale. Figures are means over seeds; over traces, ratios are geometric means.`,
    'Slot-hours are those of old and new size while they overlap. A reversal is a vertex that changes its direction within an hour. Lag is the age of the oldest record that has not been read.',
    `A trace is lost when a rival needs fewer slot-hours and is late no longer,${later} or when it takes more than ${reach.predictable} times the oracle's slot-hours on a trace that history foretells and ${reach.unpredictable} times on others.`,
  ];
  return element(
    'section',
    {},
    element('h2', {}, 'How to read this'),
    words.map((each) => element('p', {}, each)),
  );
}

function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  isLost: (row: number) => boolean = () => false,
): Markup {
  const line = (cells: readonly string[], name: 'th' | 'td', className?: string) =>
    element(
      'tr',
      { class: className },
      cells.map((cell) => element(name, {}, cell)),
    );
  return element(
    'div',
    { class: 'table' },
    element(
      'table',
      {},
      element('thead', {}, line(headings, 'th')),
      element(
        'tbody',
        {},
        rows.map((row, i) => line(row, 'td', isLost(i) ? 'lost' : undefined)),
      ),
    ),
  );
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
