import type { BlockExplanation } from '@tessera/cube';
import { describe, expect, test } from 'vitest';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { predictWork } from './predict-work.ts';

const snapshot = {
  sources: new Map([
    [
      'files',
      {
        tables: [
          { name: 'small', columns: [], statistics: { rowCount: 1_000n, sizeBytes: 20_000n } },
          { name: 'large', columns: [], statistics: { rowCount: 50_000_000n } },
          { name: 'wide', columns: [], statistics: { rowCount: 10n, sizeBytes: 1_000_000_000n } },
          { name: 'unknown', columns: [], statistics: {} },
        ],
      },
    ],
  ]),
} as unknown as CatalogSnapshot;

const explained = (...micros: readonly (readonly [number, boolean])[]) =>
  [
    { candidates: micros.map(([predictedMicros, taken]) => ({ predictedMicros, taken })) },
  ] as unknown as readonly BlockExplanation[];

describe('the predicted work of a statement', () => {
  test.each([
    {
      what: 'what its cuboids take, of those that are read',
      blocks: explained([5_000, true], [1, false]),
      tables: [],
      ms: 5,
    },
    { what: 'next to nothing for a small table', blocks: [], tables: ['files.small'], ms: 0.1 },
    { what: 'by rows for a large table', blocks: [], tables: ['files.large'], ms: 5_000 },
    { what: 'by bytes for a wide one', blocks: [], tables: ['files.wide'], ms: 2_000 },
    {
      what: 'much for one that nothing is known of',
      blocks: [],
      tables: ['files.unknown'],
      ms: 500,
    },
    {
      what: 'all of that together',
      blocks: explained([5_000, true]),
      tables: ['files.small', 'files.unknown'],
      ms: 505.1,
    },
  ])('is $what', ({ blocks, tables, ms }) => {
    expect(predictWork(blocks, tables, snapshot)).toBeCloseTo(ms);
  });
});
