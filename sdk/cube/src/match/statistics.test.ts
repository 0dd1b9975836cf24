import type { Value } from '@tessera/columnar';
import { call, type Expr, lit, type } from '@tessera/sql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutRelation } from '../scan-plan.ts';
import type { Layout } from '../segment.ts';
import { column } from './expressions.ts';
import { canPass } from './statistics.ts';

/** A layout with one dimension `x`, which holds values between these. */
function layoutOf(x: Expr, minimum: Value | undefined, maximum: Value | undefined): Layout {
  const own = { name: 'x', type: x.type, role: 'dimension' as const, hasNulls: false };
  const known = minimum === undefined || maximum === undefined ? {} : { minimum, maximum };
  return {
    id: 'l',
    kind: 'rows',
    dimensions: ['x'],
    columns: [{ ...own, ...known }],
    sortColumns: ['x'],
    rowCount: 1n,
    sizeBytes: 1n,
    checksum: '',
    fileDigest: '',
    file: '',
  } as unknown as Layout;
}

describe('statistics and a list of values', () => {
  it.each([
    ['integers', type.integer, fc.integer({ min: -50, max: 50 })],
    ['texts', type.text, fc.string({ maxLength: 2, unit: fc.constantFrom('a', 'b', 'é', '日') })],
  ] as const)('rule out the same as one comparison for each of the %s', (_, kind, values) => {
    const x = column(layoutRelation, 'x', kind);
    const member: fc.Arbitrary<Value> = fc.oneof(
      { weight: 9, arbitrary: values as fc.Arbitrary<Value> },
      { weight: 1, arbitrary: fc.constant(null) },
    );
    const bounds = fc.option(fc.tuple(values as fc.Arbitrary<Value>, values), { nil: undefined });
    let ruledOut = 0;
    fc.assert(
      fc.property(fc.array(member, { minLength: 2, maxLength: 9 }), bounds, (list, range) => {
        const layout = layoutOf(x, range?.[0], range?.[1]);
        const items = list.map((value) => lit.of(kind, value));
        const each = items.map((item) => call('=', type.boolean, [x, item]));
        const passes = canPass(call('in', type.boolean, [x, ...items]), layout);
        fc.pre(range === undefined || compared(range[0], range[1]) <= 0);
        expect(passes).toBe(canPass(call('or', type.boolean, each), layout));
        if (!passes) ruledOut += 1;
      }),
      { numRuns: 400, seed: 11 },
    );
    expect(ruledOut).toBeGreaterThan(5);
  });
});

function compared(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}
