import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JobTopology, slotsOf } from '../topology.ts';
import { fitToSlots } from './fit-to-slots.ts';

const vertex = (id: string, slotSharingGroup: string) => ({
  id,
  slotSharingGroup,
  minParallelism: 1,
  maxParallelism: 50,
});
const topology: JobTopology = {
  vertices: [vertex('source', 'a'), vertex('map', 'a'), vertex('join', 'b')],
  edges: [],
};
const lowest = () => 1;
const sizes = fc.record({
  source: fc.integer({ min: 1, max: 20 }),
  map: fc.integer({ min: 1, max: 20 }),
  join: fc.integer({ min: 1, max: 20 }),
});

describe('fitting a size to slots', () => {
  test('takes from slot sharing groups in proportion', () => {
    const wanted = { source: 5, map: 20, join: 10 };
    const current = { source: 1, map: 1, join: 1 };
    expect(fitToSlots(topology, { wanted, current, lowest }, 15)).toEqual({
      source: 5,
      map: 10,
      join: 5,
    });
  });

  test('finds nothing when not even the lowest size fits', () => {
    const wanted = { source: 5, map: 5, join: 5 };
    expect(fitToSlots(topology, { wanted, current: wanted, lowest }, 1)).toBeUndefined();
  });

  test('never exceeds them or what is wanted, uses them up, and takes no subtask that need not go', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 2, max: 40 }), (wanted, current, slots) => {
        const fitting = fitToSlots(topology, { wanted, current, lowest }, slots)!;
        const used = slotsOf(topology, fitting);
        expect(used).toBe(Math.min(slots, slotsOf(topology, wanted)));
        const fitsAlready = slotsOf(topology, current) <= slots;
        for (const id of ['source', 'map', 'join'] as const) {
          expect(fitting[id]).toBeLessThanOrEqual(wanted[id]);
          expect(fitting[id]).toBeGreaterThanOrEqual(
            fitsAlready ? Math.min(wanted[id], current[id]) : 1,
          );
        }
      }),
      { seed: 5, numRuns: 1000 },
    );
  });
});
