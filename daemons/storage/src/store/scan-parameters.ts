import { compareText, type DataType, type Value } from '@tessera/columnar';
import type { Parameter } from '@tessera/duckdb';

/** Where the value of a statement's parameter comes from. */
export interface ParameterSource {
  readonly type: DataType;
  /** Index of the plan's parameter. */
  readonly index: number;
  /** Set when a text is compared with codes: it is replaced by the nearest word on the right side. */
  readonly nearest?: { readonly words: readonly string[]; readonly operator: string };
}

/** The values to bind, from those of the plan's parameters. */
export function bindSources(
  sources: readonly ParameterSource[],
  parameters: readonly Value[],
): Parameter[] {
  return sources.map(({ type, index, nearest }) => {
    const value = parameters[index] ?? null;
    if (nearest === undefined || value === null) return { type, value };
    return { type, value: nearestWord(nearest.words, nearest.operator, value as string) };
  });
}

/**
 * The word `w` of an ordered dictionary for which `word op text` holds exactly when `word >= w` (for `>` and
 * `>=`) or `word <= w` (for `<` and `<=`); null when it holds for none.
 */
export function nearestWord(
  words: readonly string[],
  operator: string,
  text: string,
): string | null {
  const isAfter = (word: string) =>
    operator === '>=' || operator === '<'
      ? compareText(word, text) >= 0
      : compareText(word, text) > 0;
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(words[middle]!)) high = middle;
    else low = middle + 1;
  }
  return (operator.startsWith('>') ? words[low] : words[low - 1]) ?? null;
}
