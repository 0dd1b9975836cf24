/** A quantity in steps of equal length, oldest first. What was not seen has been filled in from its neighbours. */
export interface Series {
  /** Of the first value. */
  readonly startMs: number;
  readonly values: readonly number[];
}

/** Appends what was seen in steps from `atMs` on; steps in between that nobody saw are drawn as a line. */
export function appended(
  series: Series,
  atMs: number,
  value: number,
  { stepMs, limit }: { readonly stepMs: number; readonly limit: number },
): Series {
  const { startMs, values } = series;
  if (values.length === 0) return { startMs: atMs, values: [value] };
  const gap = Math.round((atMs - startMs) / stepMs) - values.length;
  if (gap < 0) return series;
  if (gap >= limit) return { startMs: atMs, values: [value] };
  const last = values.at(-1)!;
  const filled = Array.from(
    { length: gap },
    (_, i) => last + ((value - last) * (i + 1)) / (gap + 1),
  );
  const all = [...values, ...filled, value];
  const dropped = Math.max(0, all.length - limit);
  return { startMs: startMs + dropped * stepMs, values: dropped === 0 ? all : all.slice(dropped) };
}

export const endOf = ({ startMs, values }: Series, stepMs: number): number =>
  startMs + values.length * stepMs;
