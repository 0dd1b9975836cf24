import type { DataType } from '@tessera/columnar';
import fc from 'fast-check';

/**
 * The tables that random models are made over: one fact, and lookups that are joined by one key, by two keys, by text, in
 * two roles and by way of another lookup. Values are SQL literals.
 */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
}

export type Row = readonly string[];
export type Rows = Readonly<Record<string, readonly Row[]>>;

const kind = (name: Exclude<DataType['kind'], 'numeric'>): DataType => ({ kind: name });
const numeric = (precision: number, scale: number): DataType => ({
  kind: 'numeric',
  precision,
  scale,
});

function table(name: string, columns: Readonly<Record<string, DataType>>): TableShape {
  const named = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
  return { name, columns: named };
}

export const tables: readonly TableShape[] = [
  table('fact', {
    d: kind('date'),
    t: kind('timestamp'),
    txt: kind('text'),
    i: kind('integer'),
    s: kind('smallint'),
    b: kind('boolean'),
    n: numeric(8, 2),
    k1: kind('integer'),
    k2: kind('integer'),
    code: kind('text'),
    mi: kind('integer'),
    mb: kind('bigint'),
    mn: numeric(12, 3),
    mf: kind('double'),
  }),
  table('la', {
    id: kind('integer'),
    name: kind('text'),
    grp: kind('text'),
    b_id: kind('integer'),
    size: numeric(6, 1),
  }),
  table('lb', { id: kind('integer'), region: kind('text'), opened: kind('date') }),
  table('lc', { code: kind('text'), label: kind('text'), active: kind('boolean') }),
  table('ld', { x: kind('integer'), y: kind('text'), value: kind('bigint') }),
];

const nullable = (values: fc.Arbitrary<string>, weight = 8) =>
  fc.oneof({ weight, arbitrary: values }, { weight: 1, arbitrary: fc.constant('NULL') });

/** Few values, the first of them often: groups are skewed. */
const skewed = (first: string, ...others: readonly string[]) =>
  nullable(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant(first) },
      { weight: 4, arbitrary: fc.constantFrom(...others) },
    ),
  );

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
const texts = (...values: readonly string[]) => values.map(text) as [string, ...string[]];
const pad = (value: number) => String(value).padStart(2, '0');

const day = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 28 }))
  .map(([month, dayOfMonth]) => `DATE '2024-${pad(month)}-${pad(dayOfMonth)}'`);
const time = fc
  .tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.constantFrom(1, 2, 15, 28),
    fc.constantFrom(0, 1, 9, 23),
  )
  .chain(([month, dayOfMonth, hour]) =>
    fc
      .constantFrom('00:00', '00:00', '30:00', '59:59.999999')
      .map((rest) => `TIMESTAMP '2024-${pad(month)}-${pad(dayOfMonth)} ${pad(hour)}:${rest}'`),
  );

const mills = fc.integer({ min: -3_000_000, max: 9_000_000 }).map((v) => (v / 1000).toFixed(3));
/** Multiples of 1/8: their sums are exact in binary, in whatever order they are added. */
const eighths = fc.integer({ min: -800, max: 800 }).map((value) => `${value / 8}::DOUBLE`);
const bigs = fc.constantFrom('0', '1', '-7', '4000000000', '-9007199254740993', '900719925474099');

const fact: fc.Arbitrary<Row> = fc
  .tuple(
    nullable(day, 15),
    nullable(time),
    skewed(...texts('a', 'b', 'B', '', 'zoë ✓', "it's", 'a%b_c')),
    nullable(fc.integer({ min: -3, max: 9 }).map(String)),
    skewed('1', '0', '-2', '32000'),
    skewed('true', 'false'),
    nullable(fc.constantFrom('0.00', '0.01', '-1.50', '10.00', '999.99', '33.33')),
    skewed('1', '2', '3', '4', '5', '99'),
    skewed('2', '1', '6', '7', '-1'),
    skewed(...texts('A1', 'B2', 'c3', 'none')),
    nullable(fc.integer({ min: -100, max: 1_000 }).map(String)),
    nullable(bigs),
    nullable(mills),
    nullable(eighths),
  )
  .map((row) => row);

/** One row per key, for some of the keys; now and then a row without a key. */
function lookup(
  keys: readonly (readonly string[])[],
  others: readonly fc.Arbitrary<string>[],
): fc.Arbitrary<Row[]> {
  const one = (key: readonly string[]) =>
    fc.tuple(...others).map((values): Row => [...key, ...values]);
  return fc
    .subarray([...keys], { minLength: 0 })
    .chain((chosen) => fc.tuple(...chosen.map(one)))
    .map((rows) => [...rows]);
}

const names = nullable(fc.constantFrom(...texts('north', 'South', 'é', '', 'x y', 'north')), 5);

const anyRows = fc.record({
  fact: fc.oneof(
    { weight: 12, arbitrary: fc.array(fact, { minLength: 60, maxLength: 220, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(fact, { maxLength: 3 }) },
  ),
  la: lookup(
    ['1', '2', '3', '4', '5', '6', '7', '8'].map((key) => [key]),
    [
      names,
      nullable(fc.constantFrom(...texts('g1', 'g2'))),
      nullable(fc.constantFrom('1', '2', '3', '9')),
      nullable(fc.constantFrom('1.5', '-2.0', '7.0')),
    ],
  ),
  lb: lookup(
    ['1', '2', '3', '4'].map((key) => [key]),
    [names, nullable(fc.constantFrom("DATE '2020-02-29'", "DATE '2024-01-31'"))],
  ),
  lc: lookup(
    texts('A1', 'B2', 'c3', 'Zz').map((key) => [key]),
    [names, nullable(fc.constantFrom('true', 'false'))],
  ),
  ld: lookup(
    ['-3', '0', '1', '2'].flatMap((x) => texts('A1', 'B2').map((y) => [x, y])),
    [nullable(bigs)],
  ),
});

/** Half of the time every row of the fact finds its partners, so that inner joins and left joins are the same. */
export const randomRows: fc.Arbitrary<Rows> = fc
  .tuple(anyRows, fc.boolean())
  .map(([rows, complete]) => (complete ? { ...rows, fact: rows.fact.map(partnered(rows)) } : rows));

const position = (name: string) => tables[0]!.columns.findIndex((column) => column.name === name);

function partnered({ la, lc, ld }: Rows): (row: Row) => Row {
  const ids = (la ?? []).map((row) => row[0]!);
  const codes = (lc ?? []).map((row) => row[0]!);
  const pairs = (ld ?? []).filter((row) => codes.includes(row[1]!));
  return (row) => {
    const changed = [...row];
    const set = (name: string, allowed: readonly string[]) => {
      const at = position(name);
      if (allowed.length > 0 && !allowed.includes(row[at]!))
        changed[at] = allowed[row[0]!.length % allowed.length]!;
    };
    set('k1', ids);
    set('k2', ids);
    set('code', codes);
    const pair = pairs[row[2]!.length % Math.max(1, pairs.length)];
    if (pair !== undefined)
      [changed[position('i')], changed[position('code')]] = [pair[0]!, pair[1]!];
    return changed;
  };
}
