import { type BindCatalog, bind, loadParser, parse, type TableDefinition } from '@tessera/sql';
import { beforeAll, describe, expect, test } from 'vitest';
import { protect } from './protect.ts';
import { any, type Policy } from './rules.ts';
import { AccessView } from './view.ts';

const tables: readonly TableDefinition[] = [
  table('hr', 'staff', 'name', 'team', 'pay'),
  table('hr', 'secret', 'what'),
  table('lab', 'rooms', 'name', 'floor'),
];
const catalog: BindCatalog = {
  find: (name, source) =>
    tables.find((t) => t.name.table === name && (source ?? t.name.source) === t.name.source),
  tables: () => tables.map(({ name }) => name),
};

beforeAll(() => loadParser());

function table(source: string, name: string, ...columns: string[]): TableDefinition {
  const fields = columns.map((column) => ({
    name: column,
    type: { kind: column === 'pay' ? 'integer' : 'text' } as const,
    nullable: false,
  }));
  return { name: { source, table: name }, columns: fields };
}

function viewWith(
  policies: readonly Partial<Policy>[],
  permitted = ['staff', 'rooms'],
): AccessView {
  const roles = [
    {
      name: 'r',
      permissions: permitted.map((name) => ({
        functions: ['query'] as const,
        project: any,
        source: any,
        table: name,
      })),
    },
  ];
  const whole = policies.map((policy, i) => ({
    ...{ name: `policy${i}`, role: 'r', project: 'p', source: 'hr', table: 'staff', columns: {} },
    ...policy,
  }));
  return new AccessView({ roles, policies: whole, project: 'p' }, catalog);
}

const bound = (sql: string, view: AccessView) =>
  bind(parse(sql), view.catalog, { timeZone: 'UTC', now: 0n });

describe('a viewer', () => {
  test('finds nothing that he may not query, nor is it suggested to him', () => {
    const view = viewWith([]);
    expect(view.catalog.tables().map((name) => name.table)).toEqual(['staff', 'rooms']);
    expect(() => bound('select * from secret', view)).toThrowError(
      expect.objectContaining({ reason: 'UNKNOWN_TABLE' }),
    );
    const message = messageOf(() => bound('select * from secre', view));
    expect(message).not.toContain('secret');
  });

  test('finds no hidden column: not by name, not by star, not as a suggestion', () => {
    const view = viewWith([{ columns: { pay: { kind: 'hidden' } } }]);
    expect(bound('select * from staff', view).schema.map(({ name }) => name)).toEqual([
      'name',
      'team',
    ]);
    expect(() => bound('select pay from staff', view)).toThrowError(
      expect.objectContaining({ reason: 'UNKNOWN_COLUMN' }),
    );
    expect(messageOf(() => bound('select pays from staff', view))).not.toMatch(/\bpay\b/);
  });

  test('may be refused rows by a column that is hidden from him', () => {
    const view = viewWith([{ rows: 'pay < 100', columns: { pay: { kind: 'hidden' } } }]);
    const query = protect(bound('select name from staff', view).query, view);
    expect(JSON.stringify(query, plain)).toContain('"fn":"<"');
  });

  test.each([
    { why: 'an unknown column in its rows', policy: { rows: 'gone = 1' } },
    {
      why: 'a rule for an unknown column',
      policy: { columns: { gone: { kind: 'hidden' as const } } },
    },
    { why: 'rows that are no condition', policy: { rows: 'pay + 1' } },
    { why: 'rows that do not parse', policy: { rows: 'pay = 1)' } },
    {
      why: 'a mask of another type',
      policy: { columns: { pay: { kind: 'masked' as const, mask: "date '2024-01-01'" } } },
    },
    { why: 'a subquery', policy: { rows: 'exists (select 1 from secret)' } },
  ])('is not answered where a policy does not fit: $why', ({ policy }) => {
    const view = viewWith([policy]);
    const { query } = bound('select name from staff', view);
    expect(() => protect(query, view)).toThrowError(
      expect.objectContaining({ reason: 'POLICY_INVALID' }),
    );
    const other = bound('select name from rooms', view).query;
    expect(protect(other, view)).toEqual(other);
  });
});

describe('a protected statement', () => {
  const view = () =>
    viewWith([{ rows: "team = 'a'", columns: { name: { kind: 'masked', mask: "'?'" } } }]);

  test.each([
    'select name from staff',
    'select 1 from rooms where exists (select 1 from staff where staff.name = rooms.name)',
    'select (select max(name) from staff) from rooms',
    'select name from rooms union all select name from staff',
    'with w as (select * from staff) select * from w',
    'select * from (select s.name from staff s) x',
    'select r.name from rooms r left join staff s on s.name = r.name',
    'select name from rooms order by (select count(*) from staff)',
    'select name from rooms where name in (select name from staff)',
    'select name from rooms where (select name from staff limit 1) in (select name from rooms)',
    'select case when exists (select 1 from staff) then 1 end from rooms',
    'select count(*) filter (where exists (select 1 from staff)) from rooms',
    'select name from rooms group by name having count(*) > (select count(*) from staff)',
    'select name from rooms where name = (select max(name) from rooms where floor in (select name from staff))',
    'values ((select max(name) from staff))',
  ])('reads the table only behind the policy: %s', (sql) => {
    const eyes = view();
    const query = bound(sql, eyes).query;
    const places = JSON.stringify(query, plain).split('"table":"staff"').length - 1;
    const safe = JSON.stringify(protect(query, eyes), plain);
    expect(places).toBeGreaterThan(0);
    const guarded =
      /"from":\[\{"kind":"table","id":"r\d+_seen","alias":"\w+","table":\{"source":"hr","table":"staff"\}[^\]]*\]\}\],"where":\{[^}]*\}/g;
    expect(safe.match(guarded)).toHaveLength(places);
    expect(safe.split('"table":"staff"').length - 1).toBe(places);
  });

  test('is left alone where everything is seen', () => {
    const eyes = view();
    const { query } = bound('select floor, count(*) from rooms group by 1', eyes);
    expect(protect(query, eyes)).toEqual(query);
  });
});

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);

function messageOf(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
