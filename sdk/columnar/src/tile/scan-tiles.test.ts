import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TileAggregate } from './accumulate.ts';
import { CodeTest, type Condition, truth } from './condition.ts';
import { type FilteredAggregate, scanTiles, type TileGroups, type TileScan } from './scan-tiles.ts';
import {
  blockRows,
  codedColumn,
  codesOf,
  type NumberColumn,
  type Tile,
  type TileColumn,
} from './tile.ts';

/** A row as the oracle sees it: two codes and a number, null for NULL. */
interface Row {
  readonly a: number;
  readonly b: number;
  readonly n: number | null;
}

const sizes = { a: 5, b: 300 } as const;
/** More than two blocks, so that some are skipped and some are cut by the end. */
const row: fc.Arbitrary<Row> = fc.record({
  a: fc.nat(sizes.a - 1),
  b: fc.nat(sizes.b - 1),
  n: fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 5 }),
});
const rows = fc
  .tuple(
    fc.array(row, { minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 50 }),
    fc.boolean(),
  )
  .map(([few, times, isSorted]) => {
    const many = Array.from({ length: times }, () => few).flat();
    return isSorted ? many.sort((x, y) => x.a - y.a || x.b - y.b) : many;
  });

function tileOf(
  of: readonly Row[],
  form: 'Int32Array' | 'Float64Array' | 'BigInt64Array' | 'bigint[]',
): Tile {
  const numbers = of.map(({ n }) => n ?? 7);
  const values = {
    Int32Array: () => Int32Array.from(numbers),
    Float64Array: () => Float64Array.from(numbers),
    BigInt64Array: () => BigInt64Array.from(numbers.map(BigInt)),
    'bigint[]': () => numbers.map(BigInt),
  }[form]();
  const n: NumberColumn = {
    kind: 'numbers',
    values,
    nulls: Uint8Array.from(of, (each) => (each.n === null ? 1 : 0)),
  };
  const coded = (name: 'a' | 'b') =>
    codedColumn(
      codesOf(
        of.map((each) => each[name]),
        sizes[name],
      ),
    );
  return {
    rowCount: of.length,
    columns: new Map<string, TileColumn>([
      ['a', coded('a')],
      ['b', coded('b')],
      ['n', n],
    ]),
  };
}

const truths = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size, max: truth.yes });
const condition: fc.Arbitrary<Condition> = fc.letrec<{ any: Condition }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    truths(sizes.a).map((each): Condition => ({ kind: 'codes', test: new CodeTest('a', each) })),
    truths(sizes.b).map((each): Condition => ({ kind: 'codes', test: new CodeTest('b', each) })),
    fc.nat(2).map((each): Condition => ({ kind: 'constant', truth: each })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), tie('any'), tie('any'))
      .map(([kind, x, y]): Condition => ({ kind, args: [x, y] })),
    tie('any').map((arg): Condition => ({ kind: 'not', arg })),
  ),
})).any;

/** Kleene's logic, written down once more. */
function holds(of: Condition, at: Row): number {
  switch (of.kind) {
    case 'codes':
      return of.test.truths[of.test.column === 'a' ? at.a : at.b]!;
    case 'constant':
      return of.truth;
    case 'not':
      return 2 - holds(of.arg, at);
    case 'and':
      return Math.min(...of.args.map((each) => holds(each, at)));
    case 'or':
      return Math.max(...of.args.map((each) => holds(each, at)));
  }
}

function run(tiles: readonly Tile[], scan: TileScan): TileGroups {
  const steps = scanTiles(tiles, scan);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

/** One line per group: its keys, then each aggregate. */
function shown({ groupCount, keys, aggregates }: TileGroups): string[] {
  return Array.from({ length: groupCount }, (_, group) => {
    const values = aggregates.map((each) => {
      if (each.kind === 'codes') return each.codes[group] === 0 ? null : each.codes[group];
      if (each.kind === 'numbers')
        return each.seen[group] === 1 ? Number(each.values[group]) : null;
      return each.words
        .filter((word) => word.group === group)
        .map(({ bucketCode, low, high }) => [bucketCode, low, high])
        .sort((x, y) => x[0]! - y[0]!);
    });
    return JSON.stringify([...keys.map((key) => key[group]), ...values]);
  }).sort();
}

function expected(of: readonly Row[], scan: TileScan): string[] {
  const passing = of.filter((each) => !scan.filter || holds(scan.filter, each) === truth.yes);
  const keyOf = (each: Row) =>
    scan.keys.map(({ column, numbers }) => numbers[column === 'a' ? each.a : each.b]);
  const groups = Map.groupBy(passing, (each) => JSON.stringify(keyOf(each)));
  if (scan.keys.length === 0 && groups.size === 0) groups.set('[]', []);
  return [...groups]
    .map(([key, members]) => {
      const values = scan.aggregates.map(({ aggregate, filter }) =>
        aggregated(
          aggregate,
          members.filter((each) => !filter || holds(filter, each) === truth.yes),
        ),
      );
      return JSON.stringify([...JSON.parse(key), ...values]);
    })
    .sort();
}

function aggregated(aggregate: TileAggregate, of: readonly Row[]): unknown {
  const numbers = of.flatMap(({ n }) => (n === null ? [] : [n]));
  const codes = of.map(({ b }) => b).filter((code) => code > 0);
  switch (aggregate.fn) {
    case 'sum':
      return numbers.length === 0 ? null : numbers.reduce((sum, n) => sum + n, 0);
    case 'min':
    case 'max': {
      const from = aggregate.coded ? codes : numbers;
      return from.length === 0 ? null : Math[aggregate.fn](...from);
    }
    case 'bits': {
      const words = new Map<number, bigint>();
      for (const { b, n } of of) {
        if (n !== null) words.set(b, (words.get(b) ?? 0n) | BigInt.asUintN(64, BigInt(n)));
      }
      return [...words]
        .filter(([, word]) => word !== 0n)
        .sort(([x], [y]) => x - y)
        .map(([b, word]) => [b, Number(word & 0xffffffffn), Number(word >> 32n)]);
    }
    default:
      throw new Error(`no oracle for ${aggregate.fn}`);
  }
}

const aggregates: readonly TileAggregate[] = [
  { fn: 'sum', column: 'n', exact: true },
  { fn: 'min', column: 'n', coded: false },
  { fn: 'max', column: 'n', coded: false },
  { fn: 'min', column: 'b', coded: true },
  { fn: 'max', column: 'b', coded: true },
  { fn: 'bits', bucket: 'b', bucketCount: sizes.b, bits: 'n' },
];

describe('a scan of tiles', () => {
  const iota = (count: number, size: number) =>
    Uint32Array.from({ length: size }, (_, i) => i % count);
  const keys = fc.subarray([
    { column: 'a', numbers: iota(sizes.a, sizes.a), count: sizes.a },
    { column: 'b', numbers: iota(40, sizes.b), count: 40 },
    // Together more than a table with a place for each key holds.
    { column: 'b', numbers: iota(sizes.b, sizes.b), count: 1_000_000 },
  ]);
  const form = fc.constantFrom('Int32Array', 'Float64Array', 'BigInt64Array', 'bigint[]');

  test('gives what a loop over all rows gives, whatever the filters, groups, aggregates and forms', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(rows, form), { minLength: 1, maxLength: 3 }),
        fc.option(condition, { nil: undefined }),
        keys,
        fc.array(
          fc.record({
            aggregate: fc.constantFrom(...aggregates),
            filter: fc.option(condition, { nil: undefined }),
          }) as fc.Arbitrary<FilteredAggregate>,
          { maxLength: 4 },
        ),
        (parts, filter, chosen, wanted) => {
          const scan: TileScan = { filter, keys: chosen, aggregates: wanted };
          const tiles = parts.map(([of, as]) => tileOf(of, as));
          const all = parts.flatMap(([of]) => of);
          const groups = run(tiles, scan);
          expect(shown(groups)).toEqual(expected(all, scan));
          const { rowsScanned, blocksRead, blocksPruned } = groups.work;
          const passing = all.filter((each) => !filter || holds(filter, each) === truth.yes);
          expect(rowsScanned).toBeGreaterThanOrEqual(passing.length);
          const blocks = tiles.map(({ rowCount }) => Math.ceil(rowCount / blockRows));
          expect(blocksRead + blocksPruned).toBe(blocks.reduce((total, count) => total + count));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('tells what it read and what it pruned without a look at the rows', () => {
    const sorted = (a: number, count: number) =>
      tileOf(
        Array.from({ length: count }, () => ({ a, b: 0, n: 0 })),
        'Int32Array',
      );
    const tiles = [sorted(1, 2 * blockRows + 5), sorted(2, 3)];
    const only2 = new CodeTest('a', Uint8Array.of(0, 0, truth.yes, 0, 0));
    const scan: TileScan = { filter: { kind: 'codes', test: only2 }, keys: [], aggregates: [] };
    expect(run(tiles, scan).work).toEqual({
      ...{ rowsScanned: 3, blocksRead: 1, blocksPruned: 3, tilesPruned: 1 },
    });
  });

  test('sums numbers that leave 2^53 exactly, and NaN is the largest number', () => {
    const column = (values: NumberColumn['values']): Tile => ({
      rowCount: values.length,
      columns: new Map([['n', { kind: 'numbers', values }]]),
    });
    const big = column([2n ** 90n, 1n, -3n]);
    const sum = run([big], { keys: [], aggregates: [{ aggregate: aggregates[0]! }] });
    expect(shown(sum)).toEqual([JSON.stringify([Number(2n ** 90n - 2n)])]);
    const [exact] = sum.aggregates;
    expect(exact).toMatchObject({ kind: 'numbers', values: [2n ** 90n - 2n] });
    const floats = column(Float64Array.from([1, NaN, -2]));
    const extremes = run([floats], {
      keys: [],
      aggregates: [{ aggregate: aggregates[1]! }, { aggregate: aggregates[2]! }],
    });
    expect(shown(extremes)).toEqual([JSON.stringify([-2, null])]); // JSON writes NaN as null.
  });

  test('pauses between blocks, so that a caller can stop it', () => {
    const large = tileOf(
      Array.from({ length: 200_000 }, (_, i) => ({ a: i % sizes.a, b: i % sizes.b, n: i })),
      'Int32Array',
    );
    const steps = scanTiles([large], { keys: [], aggregates: [] });
    expect(steps.next().done).toBe(false);
  });
});
