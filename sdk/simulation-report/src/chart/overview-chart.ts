import { scaleLog, scaleSymlog } from 'd3-scale';
import { symbol } from 'd3-shape';
import type { JudgedTrace } from '../losses.ts';
import { figuresOf } from '../results.ts';
import { chartWidth, drawing, heading, label, line, textWidth } from './frame.ts';
import { element, type Markup } from './markup.ts';
import { faint, grid, ink, lookOf, warning, warningGround } from './palette.ts';

const rowHeight = 24;
const apart = 3;
const nameWidth = 190;
const top = 84;
const columnGap = 28;
const columnWidth = (chartWidth - nameWidth - columnGap - 16) / 2;
const ratioLeft = nameWidth;
const lateLeft = nameWidth + columnWidth + columnGap;

/** Every trace a row: slot-hours over the oracle's, and the time over 120 s of lag. Traces that are lost come first. */
export function overviewChart(
  title: string,
  traces: readonly JudgedTrace[],
  strategies: readonly string[],
): Markup {
  const figures = traces.map(({ result }) => strategies.map((name) => figuresOf(result, name)));
  const ratios = figures.flat().map(({ ratio }) => ratio);
  const ratio = scaleLog(
    [Math.min(0.95, ...ratios) * 0.98, Math.max(1.5, ...ratios) * 1.03],
    [ratioLeft, ratioLeft + columnWidth],
  );
  const mostLate = Math.max(1, ...figures.flat().map(({ over120 }) => over120));
  const late = scaleSymlog([0, mostLate * 1.1], [lateLeft, lateLeft + columnWidth]).constant(0.1);
  const lower = top + traces.length * rowHeight;
  const ratioTicks = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10].filter(inside(ratio.domain()));
  const lateTicks = [0, 0.1, 0.5, 2, 10, 50, 100].filter(inside(late.domain()));
  return drawing(
    title,
    lower + 30,
    heading(ratioLeft, 20, "Slot-hours over the oracle's (logarithmic)"),
    heading(lateLeft, 20, '% of the time over 120 s of lag (near-logarithmic)'),
    legend(strategies),
    traces.flatMap(({ result, losses }, row) => rowName(result.name, losses.length > 0, row)),
    axis(ratioTicks, ratio, lower, (tick) => (tick === 1 ? ink : grid)),
    axis(lateTicks, late, lower, () => grid),
    figures.flatMap((row, i) => {
      // A little apart, so that equal values do not hide each other.
      const yOf = (place: number) =>
        top + (i + 0.5) * rowHeight + (place - (row.length - 1) / 2) * apart;
      return row
        .flatMap((each, place) => [
          mark(place, ratio(each.ratio), yOf(place)),
          mark(place, late(each.over120), yOf(place)),
        ])
        .reverse();
    }),
  );
}

function rowName(name: string, isLost: boolean, row: number): readonly Markup[] {
  const y = top + row * rowHeight;
  const baseline = y + rowHeight / 2 + 4;
  const ground = { x: 0, y, width: chartWidth, height: rowHeight, fill: warningGround };
  const color = isLost ? warning : ink;
  const text = label(12, baseline, name, { color, weight: isLost ? 600 : 400 });
  if (!isLost) return [text];
  const badge = label(nameWidth - 12, baseline, 'lost', {
    anchor: 'end',
    color: warning,
    size: 11,
  });
  return [element('rect', ground), text, badge];
}

function axis(
  ticks: readonly number[],
  scale: (value: number) => number,
  lower: number,
  colorOf: (tick: number) => string,
): readonly Markup[] {
  return ticks.flatMap((tick) => [
    line([scale(tick), top - 4], [scale(tick), lower], { color: colorOf(tick) }),
    label(scale(tick), top - 10, String(tick), { anchor: 'middle', color: faint }),
    label(scale(tick), lower + 16, String(tick), { anchor: 'middle', color: faint }),
  ]);
}

function legend(strategies: readonly string[]): readonly Markup[] {
  let at = ratioLeft;
  return strategies.flatMap((name, place) => {
    const start = at;
    at += 18 + textWidth(name) + 16;
    return [mark(place, start + 5, 42), label(start + 16, 46, name, { color: ink })];
  });
}

function mark(place: number, x: number, y: number): Markup {
  const { color, symbol: shape } = lookOf(place);
  const d = symbol(shape, place === 0 ? 74 : 46).digits(1)()!;
  const transform = `translate(${x.toFixed(1)},${y.toFixed(1)})`;
  return element('path', { d, transform, fill: color, stroke: '#ffffff', 'stroke-width': 0.8 });
}

const inside =
  (domain: readonly number[]) =>
  (value: number): boolean =>
    value >= domain[0]! && value <= domain.at(-1)!;
