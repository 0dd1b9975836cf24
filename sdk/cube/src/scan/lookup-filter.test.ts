import { batchFromRows, type DataType, type Value } from '@tessera/columnar';
import type { Expr } from '@tessera/sql';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layoutRelation, type ScanPlan } from '../scan-plan.ts';
import { lookupFiltersOf, passingKeys, segmentsWithKeys } from './lookup-filter.ts';

const integer: DataType = { kind: 'integer' };
const text: DataType = { kind: 'text' };
const boolean: DataType = { kind: 'boolean' };
const state: Expr = { kind: 'column', relation: 'a', name: 'state', type: text };
const key: Expr = { kind: 'column', relation: layoutRelation, name: 'city', type: integer };
const lit = (type: DataType, value: Value): Expr => ({ kind: 'literal', type, value });
const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type: boolean });

/** Conditions, and what they mean of a state; `undefined`: nothing that a lookup alone can tell. */
const conditions: readonly { readonly expr: Expr; readonly of: (value: Value) => boolean }[] = [
  { expr: call('=', state, lit(text, 'x')), of: (value) => value === 'x' },
  {
    expr: call('in', state, lit(text, 'x'), lit(text, 'y')),
    of: (value) => value === 'x' || value === 'y',
  },
  { expr: call('is_null', state), of: (value) => value === null },
  {
    expr: call('<>', state, { kind: 'parameter', index: 0, type: text }),
    of: (value) => value !== null && value !== 'y',
  },
];

const lookup = fc.uniqueArray(
  fc.record({ city: fc.integer({ min: 0, max: 30 }), state: fc.constantFrom('x', 'y', 'z', null) }),
  { selector: ({ city }) => city, maxLength: 12 },
);
const segment = fc.array(fc.option(fc.integer({ min: 0, max: 35 }), { nil: null }), {
  minLength: 1,
  maxLength: 5,
});

test('no row of a segment that is left out has a partner that passes', () => {
  let left = 0;
  fc.assert(
    fc.property(
      lookup,
      fc.array(segment, { maxLength: 5 }),
      fc.subarray([...conditions], { maxLength: 2 }),
      fc.boolean(),
      (rows, segments, wanted, inner) => {
        const filter =
          wanted.length === 0 ? {} : { filter: call('and', ...wanted.map(({ expr }) => expr)) };
        const plan: ScanPlan = {
          ...{ cube: 'projects/p/cubes/c', layout: 'l', groupBy: [], aggregates: [], ...filter },
          segments: segments.map((cities, i) => {
            const known = cities.filter((city) => city !== null);
            return {
              ...{ id: String(i), fileDigest: '' },
              columns: [
                {
                  ...{ name: 'city', type: integer, role: 'dimension' as const },
                  ...{ minimum: known.length > 0 ? Math.min(...known) : null, hasNulls: true },
                  maximum: known.length > 0 ? Math.max(...known) : null,
                },
              ],
            };
          }),
          lookups: [
            {
              ...{ alias: 'a', snapshot: 's', on: [{ expr: key, column: 'iata' }], inner },
              columns: [{ name: 'state', type: text }],
            },
          ],
        };
        const kept = new Set(segments.map((_, i) => String(i)));
        for (const found of lookupFiltersOf(plan)) {
          const schema = found.columns.map((column) => ({ ...column, nullable: true }));
          const named = { iata: 'city', state: 'state' } as const;
          const batch = batchFromRows(
            schema,
            rows.map((row) => schema.map(({ name }) => row[named[name as keyof typeof named]])),
          );
          const keys = passingKeys(found, batch, ['y']);
          if (keys === undefined) continue;
          const having = segmentsWithKeys(plan.segments, found, keys).map(({ id }) => id);
          for (const id of kept) if (!having.includes(id)) kept.delete(id);
        }
        const passes = (city: number | null) => {
          const partner = rows.find((row) => row.city === city);
          if (inner && partner === undefined) return false;
          return wanted.every(({ of }) => of(partner?.state ?? null));
        };
        segments.forEach((cities, i) => {
          if (kept.has(String(i))) return;
          left++;
          expect(cities.some(passes)).toBe(false);
        });
      },
    ),
    { numRuns: 1_000, seed: 3 },
  );
  expect(left).toBeGreaterThan(300);
});

test('conditions that other columns take part in, lookups by several columns and zones tell nothing', () => {
  const join = {
    alias: 'a',
    snapshot: 's',
    columns: [{ name: 'state', type: text }],
    inner: false,
  };
  const on = { expr: key, column: 'iata' };
  const plan: ScanPlan = {
    ...{ cube: 'projects/p/cubes/c', layout: 'l', segments: [], groupBy: [], aggregates: [] },
    ...{ lookups: [{ ...join, on: [on] }], filter: conditions[0]!.expr },
  };
  expect(lookupFiltersOf(plan)).toHaveLength(1);
  const either = call('or', conditions[0]!.expr, call('=', key, lit(integer, 1)));
  expect(lookupFiltersOf({ ...plan, filter: either })).toEqual([]);
  expect(lookupFiltersOf({ ...plan, lookups: [{ ...join, on: [on, on] }] })).toEqual([]);
  expect(lookupFiltersOf({ ...plan, timeZone: 'Europe/Berlin' })).toEqual([]);
});
