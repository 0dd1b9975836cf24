import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('numbers stand at the right, also beside NULL; text at the left', () => {
  const rows = [
    ['plum', '1'],
    ['fig', 'NULL'],
    ['', '10.5'],
  ];
  expect(formatTable(['fruit', 'sum'], rows)).toBe(
    ['fruit   sum', '-----  ----', 'plum      1', 'fig    NULL', '       10.5', ''].join('\n'),
  );
});

test('a table may have very many rows', () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [String(i)]);
  expect(formatTable(['id'], rows).split('\n')).toHaveLength(300_003);
});
