import { any, type Caller, type ColumnRule, type Policy, type Role } from '@tessera/access';
import { seededRandom } from '@tessera/base';
import { rowsOf, type Value } from '@tessera/columnar';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTrips, type Trips } from './testing/trips.ts';

const project = 'default';
const built = "t.day >= date '2024-01-01' and t.day < date '2024-03-01'";

/** The same data with plans cached and not. */
let cached: Trips;
let uncached: Trips;
let world: World;
beforeAll(async () => {
  [cached, uncached] = await Promise.all([startTrips(), startTrips({ maxCachedPlans: 0 })]);
  const read = async (sql: string) =>
    rowsOf((await cached.daemon.execute({ project, sql })).batch) as Row[];
  const [[from, to, february]] = (await read(
    "select date '2024-01-01', date '2024-03-01', date '2024-02-01'",
  )) as [Row];
  world = {
    trips: (await read('select day, origin, carrier, delay from trips')).map(
      ([day, origin, carrier, delay]) => ({ day, origin, carrier, delay }) as Trip,
    ),
    airports: (await read('select iata, state from airports')).map(
      ([iata, state]) => ({ iata, state }) as Airport,
    ),
    ...{ from: Number(from), to: Number(to), february: Number(february) },
  };
});
afterAll(async () => {
  await cached[Symbol.asyncDispose]();
  await uncached[Symbol.asyncDispose]();
});

type Row = readonly Value[];
interface Trip {
  readonly day: number | null;
  readonly origin: string | null;
  readonly carrier: string | null;
  readonly delay: number | null;
}
interface Airport {
  readonly iata: string;
  readonly state: string | null;
}
interface World {
  readonly trips: readonly Trip[];
  readonly airports: readonly Airport[];
  readonly from: number;
  readonly to: number;
  readonly february: number;
}

/** Conditions of policies: their SQL, and what it means of a row. NULL is not true. */
const tripRows: Readonly<Record<string, (trip: Trip) => boolean>> = {
  "carrier = 'X'": ({ carrier }) => carrier === 'X',
  "carrier <> 'Y'": ({ carrier }) => carrier !== null && carrier !== 'Y',
  "origin in ('AAA', 'CCC')": ({ origin }) => origin === 'AAA' || origin === 'CCC',
  'delay > 50': ({ delay }) => delay !== null && Number(delay) > 50,
  "day >= date '2024-02-01'": ({ day }) => day !== null && Number(day) >= world.february,
  "origin = 'BBB' or carrier = 'Z'": ({ origin, carrier }) => origin === 'BBB' || carrier === 'Z',
  false: () => false,
};
const airportRows: Readonly<Record<string, (airport: Airport) => boolean>> = {
  "state = 'CA'": ({ state }) => state === 'CA',
  "iata < 'CCC'": ({ iata }) => iata < 'CCC',
};
const masks: Readonly<Record<string, { sql?: string; of: (value: never) => unknown }>> = {
  carrier: { sql: "'?'", of: () => '?' },
  origin: { sql: 'left(origin, 1)', of: (value: string | null) => value?.slice(0, 1) ?? null },
  delay: { of: () => null },
  state: {
    sql: "coalesce(state, 'none') -- said so",
    of: (value: string | null) => value ?? 'none',
  },
};
const tableColumns = { trips: ['day', 'origin', 'carrier', 'delay'], airports: ['iata', 'state'] };
type Table = keyof typeof tableColumns;

/** Statements, and what they give over rows as somebody sees them, by hand. */
const statements: readonly {
  readonly sql: string;
  readonly uses: readonly `${Table}.${string}`[];
  readonly plain: (trips: readonly Trip[], airports: readonly Airport[]) => unknown[][];
}[] = [
  { sql: 'select count(*) from trips', uses: ['trips.'], plain: (trips) => [[trips.length]] },
  {
    sql: 'select carrier, count(*), sum(delay) from trips group by carrier',
    uses: ['trips.carrier', 'trips.delay'],
    plain: (trips) =>
      grouped(
        trips,
        ({ carrier }) => [carrier],
        (all) => [all.length, sum(all)],
      ),
  },
  {
    sql: `select carrier, origin, count(*) from trips t where ${built} group by 1, 2`,
    uses: ['trips.carrier', 'trips.origin', 'trips.day'],
    plain: (trips) =>
      grouped(
        trips.filter(inBuilt),
        ({ carrier, origin }) => [carrier, origin],
        (all) => [all.length],
      ),
  },
  {
    sql: `select carrier, sum(delay) from trips t where ${built} and carrier <> 'Z' group by 1`,
    uses: ['trips.carrier', 'trips.delay', 'trips.day'],
    plain: (trips) =>
      grouped(
        trips.filter((trip) => inBuilt(trip) && trip.carrier !== null && trip.carrier !== 'Z'),
        ({ carrier }) => [carrier],
        (all) => [sum(all)],
      ),
  },
  {
    sql: 'select origin, delay from trips where delay > 100',
    uses: ['trips.origin', 'trips.delay'],
    plain: (trips) =>
      trips
        .filter(({ delay }) => delay !== null && Number(delay) > 100)
        .map(({ origin, delay }) => [origin, delay]),
  },
  {
    sql: `select a.state, count(*) from trips t left join airports a on t.origin = a.iata where ${built} group by 1`,
    uses: ['trips.origin', 'trips.day', 'airports.iata', 'airports.state'],
    plain: (trips, airports) =>
      grouped(
        trips.filter(inBuilt),
        ({ origin }) => [airports.find(({ iata }) => iata === origin)?.state ?? null],
        (all) => [all.length],
      ),
  },
  {
    sql: 'select iata, state from airports',
    uses: ['airports.iata', 'airports.state'],
    plain: (_, airports) => airports.map(({ iata, state }) => [iata, state]),
  },
  {
    sql: "select count(*), count(state) from airports where iata <> 'AAA'",
    uses: ['airports.iata', 'airports.state'],
    plain: (_, airports) => {
      const kept = airports.filter(({ iata }) => iata !== 'AAA');
      return [[kept.length, kept.filter(({ state }) => state !== null).length]];
    },
  },
  {
    sql: 'select state, (select count(*) from trips t where t.origin = a.iata) from airports a',
    uses: ['trips.origin', 'airports.iata', 'airports.state'],
    plain: (trips, airports) =>
      airports.map(({ iata, state }) => [
        state,
        trips.filter(({ origin }) => origin === iata).length,
      ]),
  },
];

const inBuilt = ({ day }: Trip) =>
  day !== null && Number(day) >= world.from && Number(day) < world.to;

function sum(trips: readonly Trip[]): number | null {
  const known = trips.flatMap(({ delay }) => (delay === null ? [] : [Number(delay)]));
  return known.length === 0 ? null : known.reduce((a, b) => a + b);
}

function grouped<T>(
  rows: readonly T[],
  key: (row: T) => unknown[],
  rest: (all: readonly T[]) => unknown[],
) {
  const groups = Map.groupBy(rows, (row) => JSON.stringify(key(row)));
  return [...groups.values()].map((all) => [...key(all[0]!), ...rest(all)]);
}

const sorted = (rows: readonly (readonly unknown[])[]) =>
  rows.map((row) => row.map((value) => String(value)).join('|')).sort();

/** A caller with up to three roles, some of them without a say on some table. */
function randomCaller(seed: number): Caller {
  const random = seededRandom(seed);
  const roles: Role[] = [];
  const policies: Policy[] = [];
  for (const name of ['r1', 'r2', 'r3'].slice(0, random.integer(1, 3))) {
    const tables = (['trips', 'airports'] as const).filter(() => random.next() < 0.8);
    const on = (table: string) =>
      ({ functions: ['query'], project: any, source: 'files', table }) as const;
    roles.push({ name, permissions: tables.map(on) });
    for (let i = random.integer(0, 2); i > 0; i--) {
      const table: Table = random.next() < 0.7 ? 'trips' : 'airports';
      const conditions = Object.keys(table === 'trips' ? tripRows : airportRows);
      policies.push({
        ...{ name: `p${policies.length}`, role: name, project, source: 'files', table },
        ...(random.next() < 0.7 ? { rows: random.pick(conditions) } : {}),
        columns: Object.fromEntries(
          tableColumns[table]
            .filter((column) => column in masks && random.next() < 0.35)
            .map((column) => [
              column,
              ruleOf(column, random.pick(['visible', 'masked', 'hidden'])),
            ]),
        ),
      });
    }
  }
  return { user: `u${seed}`, roles, policies, revision: BigInt(seed) };
}

function ruleOf(column: string, kind: ColumnRule['kind']): ColumnRule {
  const mask = masks[column]?.sql;
  return kind === 'masked' ? { kind, ...(mask === undefined ? {} : { mask }) } : { kind };
}

/** What a caller sees of a table, role by role: rows with masks in place, and how each column stands. */
function seen<T extends Trip | Airport>(caller: Caller, table: Table, rows: readonly T[]) {
  const conditions = (table === 'trips' ? tripRows : airportRows) as Record<
    string,
    (row: T) => boolean
  >;
  const roles = caller.roles.filter(({ permissions }) =>
    permissions.some((one) => one.table === table),
  );
  const of = (role: string) =>
    caller.policies.filter((one) => one.role === role && one.table === table);
  const rank = ['hidden', 'masked', 'visible'] as const;
  const stand = (column: string) =>
    rank[
      Math.max(
        ...roles.map(({ name }) =>
          Math.min(
            2,
            ...of(name).map(({ columns }) => rank.indexOf(columns[column]?.kind ?? 'visible')),
          ),
        ),
      )
    ]!;
  const visible = rows.filter((row) =>
    roles.some(({ name }) =>
      of(name).every((one) => one.rows === undefined || conditions[one.rows]!(row)),
    ),
  );
  const masked = (row: T) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        stand(column) === 'masked' ? masks[column]!.of(value as never) : value,
      ]),
    ) as unknown as T;
  return { exists: roles.length > 0, stand, rows: roles.length > 0 ? visible.map(masked) : [] };
}

describe('every answer is what a plain reading of the policies allows', () => {
  const narrowedFromCuboids = { count: 0 };
  const narrowedFromSnapshots = { count: 0 };

  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('caller %i', async (seed) => {
    const caller = randomCaller(seed);
    const trips = seen(caller, 'trips', world.trips);
    const airports = seen(caller, 'airports', world.airports);
    for (const { sql, uses, plain } of statements) {
      const missing = uses.find((use) => {
        const [table, column] = use.split('.') as [Table, string];
        const { exists, stand } = table === 'trips' ? trips : airports;
        return !exists || (column !== '' && stand(column) === 'hidden');
      });
      const wanted = missing === undefined ? sorted(plain(trips.rows, airports.rows)) : undefined;
      for (const { daemon } of [cached, uncached, cached]) {
        for (const useCuboids of ['auto', 'never'] as const) {
          const answer = daemon.execute({ project, sql, caller, settings: { useCuboids } });
          if (wanted === undefined) {
            await expect(answer, sql).rejects.toMatchObject({ reason: /^UNKNOWN_(TABLE|COLUMN)$/ });
            continue;
          }
          const { batch, summary } = await answer;
          expect(sorted(rowsOf(batch)), sql).toEqual(wanted);
          expect(summary.coverage.policyRevision).toBe(BigInt(seed));
          const narrowed = trips.rows.length < world.trips.length && trips.rows.length > 0;
          if (narrowed && summary.planKind === 'cuboid') narrowedFromCuboids.count++;
          const fewer = airports.rows.length < world.airports.length;
          const alone = uses.every((use) => use.startsWith('airports.'));
          if (fewer && alone && summary.planKind === 'cuboid') narrowedFromSnapshots.count++;
        }
      }
    }
  });

  test('and some of them came from cuboids that the policies were part of', () => {
    expect(narrowedFromCuboids.count).toBeGreaterThan(0);
  });

  test('and some from snapshots of lookups that the policies were part of', () => {
    expect(narrowedFromSnapshots.count).toBeGreaterThan(0);
  });
});

/** Equal revisions mean equal policies. */
let revision = 1_000n;

function callerWith(
  policy: Partial<Policy>,
  permitted: readonly string[] = ['trips', 'airports'],
): Caller {
  const permissions = permitted.map(
    (table) => ({ functions: ['query'], project: any, source: any, table }) as const,
  );
  const base = { name: 'p', role: 'r', project, source: 'files', table: 'trips', columns: {} };
  return {
    ...{ user: 'u', roles: [{ name: 'r', permissions }], revision: ++revision },
    policies: [{ ...base, ...policy }],
  };
}

describe('a policy is part of the statement', () => {
  test.each([
    { rows: "carrier = 'X'", kind: 'cuboid', why: 'its dimension is kept' },
    { rows: 'delay > 50', kind: 'source', why: 'no cuboid keeps its column' },
  ])('$rows is answered from $kind: $why', async ({ rows, kind }) => {
    const caller = callerWith({ rows });
    const sql = `select origin, count(*) from trips t where ${built} group by 1`;
    const { summary } = await cached.daemon.execute({ project, sql, caller });
    expect(summary.planKind).toBe(kind);
    if (kind === 'cuboid') return;
    const always = { useCuboids: 'always' as const };
    const refused = cached.daemon.execute({ project, sql, caller, settings: always });
    const failure = await refused.catch((error) => error);
    expect(failure).toMatchObject({ code: 9 });
    expect(`${failure.message} ${JSON.stringify(failure.metadata)}`).not.toContain('delay');
  });

  test.each([
    { policy: { rows: "state = 'CA'" }, rows: ['AAA', 'BBB'], what: 'a row policy' },
    {
      policy: { rows: "state = 'CA'", columns: { state: { kind: 'hidden' } } },
      rows: ['AAA', 'BBB'],
      what: 'a row policy by a hidden column',
    },
    {
      policy: { columns: { iata: { kind: 'masked', mask: 'left(iata, 1)' } } },
      rows: ['A', 'B', 'C', 'D'],
      what: 'a mask',
    },
  ] as const)('$what holds where a lookup is read from its snapshot', async ({ policy, rows }) => {
    const caller = callerWith({ table: 'airports', ...policy }, ['airports']);
    const sql = 'select iata from airports order by 1';
    const settings = { useCuboids: 'always' as const };
    const { batch, summary } = await cached.daemon.execute({ project, sql, caller, settings });
    expect(rowsOf(batch).flat()).toEqual(rows);
    expect(summary).toMatchObject({ planKind: 'cuboid', coverage: { sourceTables: [] } });
    // The facts are not seen, so neither are the names of what they are kept in.
    const [block] = summary.coverage.blocks;
    expect(block).toMatchObject({ model: '', cube: '', segments: [] });
    expect(block!.snapshots).toHaveLength(1);
  });

  test('a hidden column of a lookup is not in its snapshot either', async () => {
    const caller = callerWith({ table: 'airports', columns: { state: { kind: 'hidden' } } });
    for (const sql of [
      'select state from airports',
      "select iata from airports where state = 'CA'",
    ]) {
      const answer = cached.daemon.execute({ project, sql, caller });
      await expect(answer).rejects.toMatchObject({ reason: 'UNKNOWN_COLUMN' });
    }
    const { batch } = await cached.daemon.execute({ project, sql: 'table airports', caller });
    expect(batch.schema.map(({ name }) => name)).toEqual(['iata']);
  });

  test('what daemons read is told where it says nothing of hidden rows, and to who operates', async () => {
    const sql = `select origin, count(*) from trips t where ${built} group by 1`;
    const workOf = async (caller: Caller) => {
      const explained = await cached.daemon.execute({
        ...{ project, sql: `explain analyze ${sql}`, caller },
      });
      const { summary } = await cached.daemon.execute({ project, sql, caller });
      const text = rowsOf(explained.batch).flat().join('\n');
      expect(explained.summary.daemonWork.length).toBe(summary.daemonWork.length);
      expect(/^Storage /m.test(text)).toBe(summary.daemonWork.length > 0);
      return summary.daemonWork.length;
    };
    const narrowed = callerWith({ rows: "carrier = 'X'" });
    const operate = { functions: ['operate'], project, source: any, table: any } as const;
    const operator = {
      ...narrowed,
      revision: ++revision,
      roles: [...narrowed.roles, { name: 'o', permissions: [operate] }],
    };
    expect(await workOf(narrowed)).toBe(0);
    expect(await workOf(operator)).toBe(1);
    expect(await workOf(callerWith({}))).toBe(1);
    expect(await workOf(callerWith({}, ['trips'])), 'a lookup of the model is not seen').toBe(0);
  });

  test('two callers never share a plan that only one may have', async () => {
    const sql = 'select count(*) from trips';
    const [x, y] = ["carrier = 'X'", "carrier = 'Y'"].map((rows) => callerWith({ rows }));
    const counts = [];
    for (const caller of [x!, y!, x!]) {
      counts.push(rowsOf((await cached.daemon.execute({ project, sql, caller })).batch)[0]![0]);
    }
    expect(counts[0]).toBe(counts[2]);
    expect(counts[0]).not.toBe(counts[1]);
  });

  test('a hidden name is in no explanation, message or suggestion', async () => {
    const caller = callerWith({ rows: "carrier = 'X'", columns: { carrier: { kind: 'hidden' } } }, [
      'trips',
    ]);
    const sql = `select origin, count(*) from trips t where ${built} group by 1`;
    const told = [
      (await cached.daemon.execute({ project, sql: `explain cuboid ${sql}`, caller })).batch,
    ].flatMap((batch) => rowsOf(batch).flat());
    for (const wrong of [
      'select carrie from trips',
      'select * from airport',
      'select carrier from trips',
    ]) {
      const failure = await cached.daemon.execute({ project, sql: wrong, caller }).catch((e) => e);
      expect(failure.reason).toMatch(/^UNKNOWN_/);
      told.push(failure.message.replaceAll(/"?\bcarrier\b"? does not exist|"carrier"/g, ''));
    }
    const text = told.join('\n');
    expect(text).not.toMatch(/airports|\bstate\b/);
    expect(text.replaceAll('carrie ', '')).not.toMatch(/\bcarrier\b/);
  });

  test('a failure does not spell values of rows that are not seen', async () => {
    const caller = callerWith({ rows: "origin = 'AAA'" });
    for (const sql of [
      'select cast(carrier as integer) from trips',
      "select count(*) from trips where cast(origin || 'secret' as integer) > 0",
    ]) {
      const failure = await cached.daemon.execute({ project, sql, caller }).catch((e) => e);
      expect(failure.message).toContain('withheld');
      expect(failure.message).not.toMatch(/secret|'[XYZ]'|BBB|CCC/);
    }
  });

  test('one that does not fit its table stops its role at that table, and nothing else', async () => {
    const caller = callerWith({ rows: "gone = 'X'" });
    const failed = cached.daemon.execute({ project, sql: 'select count(*) from trips', caller });
    await expect(failed).rejects.toMatchObject({ reason: 'POLICY_INVALID' });
    const other = await cached.daemon.execute({
      project,
      sql: 'select count(*) from airports',
      caller,
    });
    expect(rowsOf(other.batch)).toEqual([[4n]]);
  });
});
