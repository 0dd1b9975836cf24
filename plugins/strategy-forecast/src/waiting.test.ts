import type { JobSample, JobTopology, JobVertex } from '@tessera/scaling';
import { expect, test } from 'vitest';
import type { LearnedVertex } from './learned.ts';
import { waitingRecords } from './waiting.ts';

const vertex = (id: string): JobVertex => ({
  id,
  slotSharingGroup: 'default',
  minParallelism: 1,
  maxParallelism: 8,
});
const topology: JobTopology = {
  vertices: [vertex('auctions'), vertex('persons'), vertex('join')],
  edges: [
    { from: 'auctions', to: 'join', ship: 'hash' },
    { from: 'persons', to: 'join', ship: 'hash' },
  ],
};
const sample = (auctions: number, persons: number): JobSample => ({
  timeMs: 0,
  runningSinceMs: 0,
  parallelism: {},
  vertices: { auctions: { lagRecords: auctions }, persons: { lagRecords: persons } },
});
const taking = (ratio: number): LearnedVertex => ({
  ratio,
  rows: [],
  external: [],
  capacity: [],
  fittedMs: 0,
});

test('a source that is far behind is not hidden by others that have most of the records', () => {
  const shares = { auctions: taking(0.9), persons: taking(0.1) };
  expect(waitingRecords(topology, [sample(0, 50)], shares)).toBeCloseTo(500);
  expect(waitingRecords(topology, [sample(900, 50)], shares)).toBeCloseTo(1000);
});

test('what sources have together counts as long as nobody knows how much each takes in', () => {
  expect(waitingRecords(topology, [sample(30, 50)], {})).toBe(80);
});

test('the few records of a source that has next to none say nothing of how long they wait', () => {
  const shares = { auctions: taking(1), persons: taking(1e-6) };
  expect(waitingRecords(topology, [sample(30, 5)], shares)).toBe(35);
});
