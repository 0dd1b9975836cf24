import { expect, test } from 'vitest';
import { loadAt, waveSeconds, waves } from './waves.ts';

test('a wave rests, is highest in its middle, and ends as it began', () => {
  expect(loadAt(-1), 'before it begins').toBe(0);
  expect([0, 30, 150, 179].map(loadAt)).toEqual([300, 300, 300, 300]);
  expect(loadAt(waveSeconds / 2)).toBe(3_600);
  expect(loadAt(waveSeconds)).toBe(300);
});

test('the job is told each step for as long as is wanted', () => {
  const steps = waves(400).split(',');
  expect(steps.slice(6, 9)).toEqual(['30:300', '35:356', '40:521']);
  expect(steps.at(-1)).toBe(`400:${loadAt(400)}`);
  expect(loadAt(44), 'between two steps').toBe(loadAt(40));
});
