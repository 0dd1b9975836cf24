/** A decision as a person reads it. */
export interface Explanation {
  /** When it was, of which job, and what was done. */
  readonly headline: string;
  /** One fact each, as `label: words`, the most important first. */
  readonly facts: readonly string[];
  readonly tables: readonly ExplainedTable[];
}

export interface ExplainedTable {
  readonly title: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Without columns in which no row says anything; `undefined` when there are no rows. */
export function tableOf(
  title: string,
  columns: readonly string[],
  all: readonly (readonly string[])[],
): ExplainedTable | undefined {
  if (all.length === 0) return undefined;
  const kept = columns.map((_, i) => all.some((row) => row[i] !== ''));
  const keep = <T>(cells: readonly T[]) => cells.filter((_, i) => kept[i]);
  return { title, headings: keep(columns), rows: all.map(keep) };
}

/** Such as 12,345; nothing where it is not known. */
export const countText = (count: number | undefined): string =>
  count === undefined ? '' : Math.round(count).toLocaleString('en-US');

export const percentText = (share: number | undefined): string =>
  share === undefined ? '' : `${Math.round(100 * share)} %`;

/** Such as `1 slot`. */
export const slotsText = (slots: number): string => `${slots} ${slots === 1 ? 'slot' : 'slots'}`;

export const secondsText = (ms: number | undefined): string =>
  ms === undefined ? '' : `${countText(ms / 1000)} s`;

export function timeText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : `${date.toISOString().slice(0, 19)}Z`;
}
