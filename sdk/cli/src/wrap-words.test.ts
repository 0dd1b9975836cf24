import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapWords } from './wrap-words.ts';

test('a sentence is broken between words where it does not fit', () => {
  expect(wrapWords('records would wait too long', 13)).toEqual(['records would', 'wait too long']);
  expect(wrapWords('see https://flink.example/jobs', 8)).toEqual([
    'see',
    'https://flink.example/jobs',
  ]);
});

test('nothing is lost, no line could have had the next word, and none is too long that has two', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zé■]{1,9}$/), { minLength: 1 }),
      fc.integer({ min: 1, max: 30 }),
      (words, columns) => {
        const lines = wrapWords(words.join(' '), columns);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const [i, line] of lines.entries()) {
          if (line.includes(' ')) expect([...line].length).toBeLessThanOrEqual(columns);
          const [next] = lines[i + 1]?.split(' ') ?? [];
          if (next !== undefined) expect([...`${line} ${next}`].length).toBeGreaterThan(columns);
        }
      },
    ),
  );
});
