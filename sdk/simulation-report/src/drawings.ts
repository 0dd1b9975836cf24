import { courseChart } from './chart/course-chart.ts';
import type { Markup } from './chart/markup.ts';
import { overviewChart } from './chart/overview-chart.ts';
import type { JudgedTrace } from './losses.ts';
import { inWords } from './seeds.ts';

/** All pictures of a report. */
export interface Drawings {
  readonly overview: Markup;
  /** By name of the trace, of those that have something to draw. */
  readonly courses: ReadonlyMap<string, Markup>;
}

export function drawingsOf(
  title: string,
  traces: readonly JudgedTrace[],
  strategies: readonly string[],
): Drawings {
  const courses = new Map<string, Markup>();
  for (const { result } of traces) {
    const { name, drawn } = result;
    if (drawn === undefined) continue;
    const words = `${name}, ${inWords(drawn.seed)}: load, capacity, slots and lag over time`;
    courses.set(name, courseChart(words, drawn, strategies));
  }
  return { overview: overviewChart(title, traces, strategies), courses };
}

/** A name that any file system and address can have. */
export const fileNameOf = (name: string): string =>
  name.replace(/[^a-zA-Z0-9]+/g, '-').toLowerCase();
