import type { DataType } from '@tessera/columnar';
import type { BindCatalog, TableDefinition } from '@tessera/sql';

/** Two small tables with NULLs, repeats and edge values, the same in PostgreSQL and DuckDB. */
export const postgresSetup: readonly string[] = [
  'create table t (id integer, s smallint, b bigint, n numeric(10,2), m numeric(18,6), r real, x double precision, c text, d date, ts timestamp, tz timestamptz, ok boolean, iv interval)',
  'create table u (id integer, k text, v numeric(12,3), w bigint, d date)',
];

const rows = [
  "(1, 1, 10, 1.50, 0.000001, 1.5, 2.5, 'abc', '2020-01-01', '2020-01-01 10:20:30.5', '2020-01-01 10:20:30+00', true, '1 day')",
  "(2, 2, 20, -2.25, 12.345678, -0.25, 3.5, 'Abc', '2020-02-29', '2020-02-29 00:00:00', '2020-02-29 23:59:59.999999+00', false, '1 month 2 days')",
  "(3, 3, 3000000000, 100.00, -7.5, 0, -2.5, 'x%y', '2021-12-31', '2021-12-31 23:59:59', '2021-12-31 00:00:00+00', true, '03:04:05')",
  '(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)',
  "(5, 2, -20, 0.01, 333.333333, 2.5, 0.1, '  pad ', '1999-12-31', '1999-12-31 12:00:00', '1999-12-31 12:00:00+00', NULL, '2 years -3 days')",
  "(6, 1, 7, 99999999.99, 1000000, 100, 1e10, 'abc', '2020-01-01', '2024-02-29 01:02:03.000004', '2024-02-29 01:02:03+00', false, '-01:30:00')",
  "(7, -5, 0, 0.00, 0, 0.5, 0, '', '2020-12-28', '2020-06-15 06:30:00', '2020-06-15 06:30:00+00', true, '0')",
  "(8, 32767, -1, 3.33, 0.333333, 7, 1.25, 'zoë', '2019-12-30', '2019-12-30 18:00:00', '2019-12-30 18:00:00+00', false, '10 days')",
];

const others = [
  "(1, 'abc', 1.125, 5, '2020-01-01')",
  "(1, 'Abc', 2.5, 6, '2020-02-29')",
  "(3, 'q', NULL, 7, NULL)",
  "(9, NULL, 1000.001, 9000000000000000000, '2021-12-31')",
  "(NULL, 'abc', -0.5, NULL, '2020-12-28')",
];

export const dataRows: readonly string[] = [
  `insert into t values ${rows.join(', ')}`,
  `insert into u values ${others.join(', ')}`,
];

const kind = (k: Exclude<DataType['kind'], 'numeric'>): DataType => ({ kind: k });
const numeric = (precision: number, scale: number): DataType => ({
  kind: 'numeric',
  precision,
  scale,
});

function table(name: string, columns: Readonly<Record<string, DataType>>): TableDefinition {
  return {
    name: { source: 'public', table: name },
    columns: Object.entries(columns).map(([column, type]) => ({
      name: column,
      type,
      nullable: true,
    })),
  };
}

const tables: readonly TableDefinition[] = [
  table('t', {
    id: kind('integer'),
    s: kind('smallint'),
    b: kind('bigint'),
    n: numeric(10, 2),
    m: numeric(18, 6),
    r: kind('real'),
    x: kind('double'),
    c: kind('text'),
    d: kind('date'),
    ts: kind('timestamp'),
    tz: kind('timestamptz'),
    ok: kind('boolean'),
    iv: kind('interval'),
  }),
  table('u', {
    id: kind('integer'),
    k: kind('text'),
    v: numeric(12, 3),
    w: kind('bigint'),
    d: kind('date'),
  }),
];

export const dataCatalog: BindCatalog = {
  find: (name, source) =>
    tables.find((t) => t.name.table === name && (source === undefined || t.name.source === source)),
  tables: () => tables.map((t) => t.name),
};
