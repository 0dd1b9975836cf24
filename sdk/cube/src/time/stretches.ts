import { call, type Expr, lit, type } from '@tessera/sql';
import type { SourceExtent } from '../matched.ts';
import type { Partition } from '../model.ts';
import type { Grain } from '../model-spec.ts';
import type { SegmentRange } from '../segment.ts';
import { type DateFormat, parseDateFormat } from './date-format.ts';

/**
 * Stretches of time that hold rows. A source is asked once for the smallest and largest partition value of each group of
 * values that lie close together: no row lies outside these stretches, so what is between them needs no files.
 */
export interface Stretch {
  readonly minimum: bigint;
  /** The last value that occurs, not the first that does not. */
  readonly maximum: bigint;
}

/**
 * How the values of a partition column are grouped to find the stretches: about one group per period of `every`, of which
 * no more are wanted than there may be segments. Groups need not be periods: whatever they are, every value lies within
 * the stretch of its own.
 */
export function stretchGroups(
  partition: Partition,
  every: Grain,
): { readonly by: Expr; readonly most: number } {
  return { by: groupOf(partition, every), most: maxStretches };
}

/** Days of more than a century, or hours of ten years: then it is no matter whether some of them have no rows. */
const maxStretches = 100_000;

function groupOf({ column, format }: Partition, every: Grain): Expr {
  const { kind } = column.type;
  if (kind === 'date') return column;
  const parsed = format === undefined ? undefined : parseDateFormat(format);
  if (parsed === undefined) return call('date_trunc', column.type, [lit.text(every), column]);
  const kept = lettersUpTo(parsed, every);
  const cut = parsed.pattern.length - kept;
  if (cut <= 0) return column;
  if (kind === 'text') return call('substring', type.text, [column, lit.int(1), lit.int(kept)]);
  const divisor = kind === 'bigint' ? lit.bigint(10n ** BigInt(cut)) : lit.int(10 ** cut);
  return call('/', column.type, [column, divisor]);
}

const finestUnit = {
  minute: 'mm',
  hour: 'HH',
  day: 'dd',
  week: 'dd',
  month: 'MM',
  quarter: 'MM',
  year: 'yyyy',
} as const satisfies Record<Grain, string>;

/** Length of the pattern up to the part that tells the periods of a grain apart. */
function lettersUpTo({ pattern }: DateFormat, grain: Grain): number {
  const unit = finestUnit[grain];
  const at = pattern.indexOf(unit);
  return at === -1 ? pattern.length : at + unit.length;
}

/** Ascending, with those that overlap made one. */
export function joinStretches(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const stretch of stretches.toSorted((a, b) => (a.minimum < b.minimum ? -1 : 1))) {
    const last = joined.at(-1);
    if (last === undefined || stretch.minimum > last.maximum) joined.push(stretch);
    else if (stretch.maximum > last.maximum) {
      joined[joined.length - 1] = { minimum: last.minimum, maximum: stretch.maximum };
    }
  }
  return joined;
}

/** Where the rows with a time lie: one stretch from end to end when nothing better is known. */
export function stretchesOf(extent: SourceExtent): readonly Stretch[] {
  if (extent.empty) return [];
  return extent.stretches ?? [{ minimum: extent.minimum, maximum: extent.maximum }];
}

/** True when the source is known to have no row of the range. */
export function holdsNoRows(range: SegmentRange, extent: SourceExtent): boolean {
  if (range.kind === 'all') return false;
  if (range.kind === 'null') return !extent.hasNulls;
  const stretches = stretchesOf(extent);
  // The first stretch that does not end before the range.
  let [low, high] = [0, stretches.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stretches[middle]!.maximum < range.start) low = middle + 1;
    else high = middle;
  }
  const next = stretches[low];
  return next === undefined || next.minimum >= range.end;
}
