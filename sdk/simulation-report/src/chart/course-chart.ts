import { scaleLinear, scaleSymlog } from 'd3-scale';
import { area, curveStepAfter, line as path } from 'd3-shape';
import type { DrawnRun, Point } from '../course.ts';
import { chartWidth, drawing, heading, label, line, textWidth } from './frame.ts';
import { element, type Markup } from './markup.ts';
import { duration, short } from './numbers.ts';
import { faint, grid, ink, loadFill, lookOf, warning } from './palette.ts';

interface Series {
  readonly name: string;
  readonly kind: 'line' | 'steps' | 'area';
  readonly points: readonly Point[];
  readonly color: string;
  readonly width: number;
  readonly dash?: string | undefined;
  readonly opacity?: number;
}

interface Panel {
  readonly title: string;
  readonly height: number;
  readonly series: readonly Series[];
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
  /** From a value to its height above the lower edge. */
  readonly scale: (value: number) => number;
  readonly rule?: { readonly value: number; readonly name: string };
}

const left = 64;
const right = 16;
const headHeight = 46;
const gap = 14;
const footHeight = 40;

/** Load and capacity, slots and lag over time, of every strategy under one draw of load and job. */
export function courseChart(
  title: string,
  { hours, courses, oracleSlots }: DrawnRun,
  strategies: readonly string[],
): Markup {
  const panels = [
    loadPanel(courses, strategies),
    slotsPanel(courses, strategies, oracleSlots),
    lagPanel(courses, strategies),
  ];
  const x = scaleLinear([0, hours], [left, chartWidth - right]);
  const content: Markup[] = [];
  let top = 0;
  for (const panel of panels) {
    content.push(...drawPanel(panel, top, hours, x));
    top += headHeight + panel.height + gap;
  }
  for (const hour of hourTicks(hours)) {
    content.push(label(x(hour), top + 6, String(hour), { anchor: 'middle' }));
  }
  const middle = (left + chartWidth - right) / 2;
  content.push(label(middle, top + 24, 'hours since the start', { anchor: 'middle' }));
  return drawing(title, top + footHeight, ...content);
}

type Courses = DrawnRun['courses'];

function loadPanel(courses: Courses, strategies: readonly string[]): Panel {
  const [ours] = strategies;
  const { load, capacity } = courses[ours!]!;
  // A size that was left for far more at once would squeeze the load into the lower edge.
  const highest = 2 * highestOf(load);
  const { color } = lookOf(0);
  return {
    title: 'Load and capacity, records/s',
    height: 130,
    series: [
      { name: 'load', kind: 'area', points: load, color: loadFill, width: 0 },
      {
        name: `what ${ours} provides for`,
        kind: 'steps',
        points: capacity.map(([hour, value]): Point => [hour, Math.min(value, highest)]),
        color,
        width: 1.6,
      },
    ],
    ...linear(Math.min(highest, Math.max(highestOf(load), highestOf(capacity))), 130),
    format: short,
  };
}

function slotsPanel(
  courses: Courses,
  strategies: readonly string[],
  oracle: readonly Point[],
): Panel {
  const series = strategySeries(strategies, 'steps', (name) => courses[name]!.slots);
  const highest = Math.max(...series.map(({ points }) => highestOf(points)), highestOf(oracle));
  const best: Series = {
    name: 'oracle',
    kind: 'steps',
    points: oracle,
    color: ink,
    width: 1.4,
    dash: '1.5 2',
  };
  return {
    title: 'Slots paid for',
    height: 190,
    series: [best, ...series],
    ...linear(highest, 190),
    format: short,
  };
}

/** Symmetric logarithm: seconds and hours can be read in one picture, and zero is in it. */
function lagPanel(courses: Courses, strategies: readonly string[]): Panel {
  const series = strategySeries(strategies, 'line', (name) => courses[name]!.lagSeconds);
  const highest = Math.max(300, ...series.map(({ points }) => highestOf(points)));
  const ticks = [0, 10, 30, 120, 600, 3_600, 14_400, 57_600].filter((each) => each <= highest);
  return {
    title: 'Lag: age of the oldest record not yet read (the worst of each five minutes)',
    height: 150,
    series,
    ticks,
    scale: scaleSymlog([0, highest * 1.1], [0, 150]).constant(10),
    format: duration,
    rule: { value: 120, name: 'objective: 120 s' },
  };
}

/** The first two are what one looks for: they are drawn last, so upon the others, which are paler. */
const strategySeries = (
  strategies: readonly string[],
  kind: Series['kind'],
  pointsOf: (name: string) => readonly Point[],
): readonly Series[] =>
  strategies
    .map((name, place) => {
      const { color, dash } = lookOf(place);
      const weight = place === 0 ? 2 : place === 1 ? 1.5 : 1;
      const opacity = place < 2 ? 1 : 0.6;
      return { name, kind, points: pointsOf(name), color, dash, width: weight, opacity };
    })
    .reverse();

function linear(highest: number, height: number): Pick<Panel, 'scale' | 'ticks'> {
  const scale = scaleLinear([0, Math.max(highest, 1e-9) * 1.04], [0, height]).nice(5);
  return { scale, ticks: scale.ticks(5) };
}

function drawPanel(
  panel: Panel,
  top: number,
  hours: number,
  x: (hour: number) => number,
): readonly Markup[] {
  const lower = top + headHeight + panel.height;
  const y = (value: number) => lower - panel.scale(value);
  const content: Markup[] = [heading(left, top + 18, panel.title), ...legend(panel, top + 36)];
  for (const hour of hourTicks(hours)) {
    content.push(line([x(hour), lower - panel.height], [x(hour), lower], { color: grid }));
  }
  for (const tick of panel.ticks) {
    content.push(line([left, y(tick)], [chartWidth - right, y(tick)], { color: grid }));
    content.push(label(left - 8, y(tick) + 4, panel.format(tick), { anchor: 'end' }));
  }
  for (const series of panel.series) content.push(drawSeries(series, hours, x, y));
  content.push(line([left, lower], [chartWidth - right, lower], { color: faint }));
  if (panel.rule !== undefined) {
    const at = y(panel.rule.value);
    const style = { color: warning, dash: '5 4' };
    content.push(line([left, at], [chartWidth - right, at], style));
    const place = { anchor: 'end', color: warning, halo: true } as const;
    content.push(label(chartWidth - right - 4, at - 5, panel.rule.name, place));
  }
  return content;
}

function drawSeries(
  { kind, points, color, width, dash, opacity }: Series,
  hours: number,
  x: (hour: number) => number,
  y: (value: number) => number,
): Markup {
  const toX = ([hour]: Point) => x(hour);
  const toY = ([, value]: Point) => y(value);
  if (kind === 'area') {
    return element('path', { d: area<Point>(toX, y(0), toY).digits(1)(points)!, fill: color });
  }
  const last = points.at(-1);
  const isHeld = kind === 'steps' && last !== undefined;
  const whole = isHeld ? [...points, [hours, last[1]] as const] : points;
  const shape = path<Point>(toX, toY).digits(1);
  if (kind === 'steps') shape.curve(curveStepAfter);
  return element('path', {
    d: shape(whole)!,
    fill: 'none',
    stroke: color,
    'stroke-width': width,
    'stroke-dasharray': dash,
    'stroke-linejoin': 'round',
    'stroke-opacity': opacity,
  });
}

function legend({ series }: Panel, y: number): readonly Markup[] {
  let at = left;
  return [...series].reverse().flatMap(({ name, kind, color, width, dash }) => {
    const start = at;
    at += 30 + textWidth(name) + 18;
    const key =
      kind === 'area'
        ? element('rect', { x: start, y: y - 10, width: 22, height: 10, fill: color })
        : line([start, y - 4], [start + 22, y - 4], { color, width: Math.max(width, 1.6), dash });
    return [key, label(start + 28, y, name, { color: ink })];
  });
}

function hourTicks(hours: number): readonly number[] {
  const step = [1, 3, 6, 12, 24, 48, 168].find((each) => hours / each <= 14) ?? 336;
  return Array.from({ length: Math.floor(hours / step + 1e-9) + 1 }, (_, i) => i * step);
}

const highestOf = (points: readonly Point[]): number =>
  points.reduce((most, [, value]) => Math.max(most, value), 0);
