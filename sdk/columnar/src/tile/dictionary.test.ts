import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnFromValues } from '../column-builder.ts';
import { compareText } from '../compare-values.ts';
import { Dictionary, mergeDictionaries } from './dictionary.ts';

const dictionaryOf = (words: readonly string[]) =>
  Dictionary.of(columnFromValues({ kind: 'text' }, [...new Set(words)].sort(compareText)));
const words = fc.array(fc.string({ maxLength: 3, unit: 'binary' }), { maxLength: 20 });

test('codes follow the order of values, and each value is found by search', () => {
  fc.assert(
    fc.property(words, fc.string({ maxLength: 3, unit: 'binary' }), (of, other) => {
      const dictionary = dictionaryOf(of);
      const values = dictionary.column.values as string[];
      for (let code = 1; code < dictionary.size; code++) {
        expect(dictionary.codeOf(values[code]!)).toBe(code);
        if (code > 1) expect(compareText(values[code - 1]!, values[code]!)).toBeLessThan(0);
      }
      expect(dictionary.codeOf(other) !== undefined).toBe(of.includes(other));
      const below = [...new Set(of)].filter((word) => compareText(word, other) < 0).length;
      expect(dictionary.lowerBound(other)).toBe(below + 1);
    }),
  );
});

test('a merged dictionary has the values of both, and says where each went', () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const [first, second] = [dictionaryOf(a), dictionaryOf(b)];
      const { dictionary, fromFirst, fromSecond } = mergeDictionaries(first, second);
      const all = dictionary.column.values as string[];
      expect(all.slice(1)).toEqual([...new Set([...a, ...b])].sort(compareText));
      const check = (old: Dictionary, codes: Uint32Array | undefined) => {
        for (let code = 1; code < old.size; code++) {
          expect(all[codes?.[code] ?? code]).toBe(old.column.values[code]);
        }
      };
      check(first, fromFirst);
      check(second, fromSecond);
    }),
  );
});
