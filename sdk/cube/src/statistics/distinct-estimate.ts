/** How often combinations occur in a sample: pairs of (occurrences, how many combinations occur so often). */
export type Frequencies = readonly (readonly [occurrences: number, combinations: number])[];

/** Values that occur more often than this in the sample are taken to be all seen. */
const frequent = 50;

/**
 * The number of distinct values of a population, judged from how often values occur in a random sample of it: the
 * geometric mean of two estimators whose errors lean opposite ways on skewed data, the adaptive one of Charikar et al.
 * (too few) and the skew-corrected jackknife of Haas et al. (too many). Never below what was seen, nor above what
 * it would be if each value seen once stood for others that were never seen. A sample of all rows is counted.
 */
export function estimateDistinct(
  frequencies: Frequencies,
  sampledRows: number,
  rowCount: number,
): number {
  const seen = sum(frequencies.map(([, values]) => values));
  if (sampledRows >= rowCount || seen === 0) return seen;
  const once = valuesSeen(frequencies, 1);
  const most = Math.min(rowCount, seen - once + (once * rowCount) / sampledRows);
  const bounded = (estimate: number) => Math.min(most, Math.max(seen, estimate));
  const few = bounded(adaptive(frequencies, seen));
  const many = bounded(jackknife(frequencies, sampledRows, rowCount));
  return Math.sqrt(few * many);
}

/**
 * Solves for the number of rare values: those of which the sample shows only once or twice seen ones. Rare values are
 * taken to be equally frequent, all others to be seen.
 */
function adaptive(frequencies: Frequencies, seen: number): number {
  const once = valuesSeen(frequencies, 1);
  const twice = valuesSeen(frequencies, 2);
  if (once === 0) return seen;
  const rareRows = once + 2 * twice;
  const rest = frequencies.filter(([occurrences]) => occurrences > 2);
  const missed = sum(rest.map(([i, values]) => Math.exp(-i) * values));
  const single = sum(rest.map(([i, values]) => i * Math.exp(-i) * values));
  const tooFew = (rare: number) => {
    const unseen = Math.exp(-rareRows / rare);
    return rare - once - twice < (once * (missed + rare * unseen)) / (single + rareRows * unseen);
  };
  let low = once + twice;
  let high = low;
  for (let doublings = 0; tooFew(high) && doublings < 60; doublings++) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (tooFew(middle)) low = middle;
    else high = middle;
  }
  return seen - once - twice + high;
}

/** The first-order jackknife with a correction for skew (Duj2a), after setting the frequent values aside. */
function jackknife(frequencies: Frequencies, sampledRows: number, rowCount: number): number {
  const share = sampledRows / rowCount;
  const rare = frequencies.filter(([occurrences]) => occurrences <= frequent);
  const seen = sum(rare.map(([, values]) => values));
  const all = sum(frequencies.map(([, values]) => values));
  const rows = sum(rare.map(([occurrences, values]) => occurrences * values));
  if (rows === 0) return all;
  const once = valuesSeen(rare, 1);
  const unbiased = 1 - ((1 - share) * once) / rows;
  const first = seen / unbiased;
  const pairs = sum(rare.map(([i, values]) => i * (i - 1) * values));
  const skew = Math.max(0, (first * pairs) / rows ** 2 + (first * share) / rows - 1);
  const corrected = seen - (once * (1 - share) * Math.log(1 - share) * skew) / share;
  return all - seen + Math.min(rows / share, corrected / unbiased);
}

function valuesSeen(frequencies: Frequencies, times: number): number {
  return sum(frequencies.filter(([i]) => i === times).map(([, values]) => values));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
