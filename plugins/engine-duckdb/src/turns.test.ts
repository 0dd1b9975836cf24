import type { BuildPlan } from '@tessera/cube';
import { type } from '@tessera/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Encodings } from './encoding.ts';
import { divideIntoTurns } from './turns.ts';

const column = { kind: 'column', type: type.bigint, relation: 'f', name: 'v' } as const;
/** With the ordinal of its segment and the lookups it misses, a row takes ten bytes. */
const flat: BuildPlan['flat'] = [{ name: 'v', type: type.bigint, expr: column }];
const rowBytes = 10;
const none: Encodings = new Map();

const planOf = (
  segments: number,
  dictionaries: BuildPlan['dictionaries'] = [],
): Pick<BuildPlan, 'segments' | 'flat' | 'dictionaries'> => ({
  segments: Array.from({ length: segments }, (_, i) => ({
    id: `s${i}`,
    range: { kind: 'all' } as const,
  })),
  flat,
  dictionaries,
});

describe('turns of a build', () => {
  test('take every segment once, in order, and hold what fits in memory, as few as possible', () => {
    const rows = fc.array(fc.bigInt({ min: 0n, max: 1_000n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 200_000 }), (factRows, memory) => {
        const plan = planOf(factRows.length);
        const { turns, inFile } = divideIntoTurns(plan, factRows, none, memory);
        expect(turns.flatMap(({ segments }) => segments)).toEqual(plan.segments);
        const all = factRows.reduce((sum, count) => sum + count, 0n);
        expect(turns.reduce((sum, turn) => sum + turn.factRows!, 0n)).toBe(all);
        const bytes = turns.map((turn) => Number(turn.factRows) * rowBytes);
        if (inFile) expect(turns).toHaveLength(1);
        else for (const each of bytes) expect(each).toBeLessThanOrEqual(memory);
        for (const [i, turn] of turns.slice(1).entries()) {
          const next = Number(factRows[plan.segments.indexOf(turn.segments[0]!)]) * rowBytes;
          expect(bytes[i]! + next).toBeGreaterThan(memory / 2);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test.each([
    { what: 'everything fits', rows: [10n, 10n], memory: 1_000, turns: 1, inFile: false },
    { what: 'half of it fits', rows: [10n, 10n], memory: 200, turns: 2, inFile: false },
    { what: 'one segment does not fit', rows: [1n, 30n], memory: 200, turns: 1, inFile: true },
    {
      what: 'reading so often would cost more than a file',
      rows: [10n, 10n, 10n, 10n, 10n],
      memory: 200,
      turns: 1,
      inFile: true,
    },
  ])('when $what: $turns, in a file $inFile', ({ rows, memory, turns, inFile }) => {
    const divided = divideIntoTurns(planOf(rows.length), rows, none, memory);
    expect([divided.turns.length, divided.inFile]).toEqual([turns, inFile]);
  });

  test('are one when a dictionary needs the values of all segments', () => {
    const dictionary = { name: 'd', column: 'v', type: type.text };
    const divided = divideIntoTurns(planOf(2, [dictionary]), [10n, 10n], none, 200);
    expect([divided.turns.length, divided.inFile]).toEqual([1, true]);
  });
});
