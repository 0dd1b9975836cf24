import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommittedLines, noFaults } from './committed-lines.ts';

/** What tells whether a sink that commits once has: it has to see each way in which it may not have. */
const keys = 3;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-committed-lines-'));
  mkdirSync(join(folder, 'bucket'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (record: number, count = Math.floor(record / keys) + 1): string =>
  `${record % keys},${record},${count},1700000000000\n`;
const commit = (name: string, lines: readonly string[]) =>
  writeFileSync(join(folder, 'bucket', name), lines.join(''));
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => line(from + i));

test.each([
  { what: 'each once, in files of any order', more: [], faults: noFaults },
  { what: 'one committed again', more: [line(5)], faults: { doubled: [5], miscounted: ['2'] } },
  {
    what: 'one committed again with a count that goes on, as of a job that began with too old a state',
    more: [line(5, 4)],
    faults: { doubled: [5] },
  },
])('records are compared: $what', ({ more, faults }) => {
  commit('part-1', records(4, 9));
  commit('part-0', [...records(0, 4), ...more]);
  commit('.part-2.inprogress', records(0, 9));
  const lines = new CommittedLines(folder);
  expect(lines.count()).toBe(9 + more.length);
  expect(lines.next()).toBe(9);
  expect(lines.faults(9)).toEqual({ ...noFaults, ...faults });
});

test('records that are lost are missing, and those after them are counted wrongly when the state knows them', () => {
  commit('part-0', [...records(0, 4), ...records(5, 9)]);
  expect(new CommittedLines(folder).faults(9)).toEqual({
    ...{ missing: [4], doubled: [] },
    miscounted: ['1'],
  });
});

test('a state that was begun anew shows in the counts, though each record is there once', () => {
  commit('part-0', [...records(0, 6), line(6, 1), line(7, 1), line(8, 1)]);
  const { miscounted, ...others } = new CommittedLines(folder).faults(9);
  expect(miscounted).toEqual(['0', '1', '2']);
  expect(others).toEqual({ missing: [], doubled: [] });
});

test('files that are committed later count from then on', () => {
  const lines = new CommittedLines(folder);
  commit('part-0', records(0, 4));
  expect(lines.count()).toBe(4);
  commit('part-1', records(4, 9));
  expect(lines.count()).toBe(9);
  expect(lines.faults(9)).toEqual(noFaults);
});
