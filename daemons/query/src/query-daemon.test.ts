import { appendFileSync, rmSync } from 'node:fs';
import { Code, TesseraError } from '@tessera/base';
import { modelSpecToProto } from '@tessera/client';
import { rowsOf } from '@tessera/columnar';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cubeName, startTrips, type Trips } from './testing/trips.ts';

let trips: Trips;
beforeAll(async () => {
  trips = await startTrips();
});
afterAll(() => trips[Symbol.asyncDispose]());
afterEach(() => {
  trips.scanner.fail = () => undefined;
  trips.scanner.failSnapshot = () => undefined;
});

const built = "t.day >= date '2024-01-01' and t.day < date '2024-03-01'";

async function answers(sql: string) {
  const project = 'default';
  const cuboids = await trips.daemon.execute({ project, sql });
  const source = await trips.daemon.execute({ project, sql, settings: { useCuboids: 'never' } });
  return { cuboids, source };
}

function sorted(rows: readonly (readonly unknown[])[]): string[] {
  return rows.map((row) => row.map((value) => `${typeof value}:${value}`).join('|')).sort();
}

describe('a query daemon', () => {
  test.each([
    {
      sql: `select carrier, count(*), sum(delay), avg(delay), min(delay), max(delay) from trips t where ${built} group by carrier order by 1`,
      kind: 'cuboid',
    },
    {
      sql: `select a.state, avg(t.price), sum(t.price) / count(*) from trips t left join airports a on t.origin = a.iata where ${built} group by 1 order by 2 desc limit 2`,
      kind: 'cuboid',
    },
    {
      sql: `select count(*), sum(delay) from trips t where ${built} and carrier = 'none'`,
      kind: 'cuboid',
    },
    {
      sql: `select carrier, count(*) as n from trips t where ${built} group by carrier having count(*) > 3 order by n desc, carrier`,
      kind: 'cuboid',
    },
    {
      sql: `select carrier, rank() over (order by sum(delay) desc) from trips t where ${built} group by carrier`,
      kind: 'cuboid',
    },
    {
      sql: 'select carrier, count(*), sum(delay), avg(price) from trips group by carrier',
      kind: 'mixed',
    },
    { sql: 'select extract(month from day), count(*) from trips group by 1', kind: 'mixed' },
    {
      sql: "select carrier, string_agg(origin, ',' order by origin) from trips group by carrier",
      kind: 'source',
    },
    { sql: 'select * from airports', kind: 'cuboid' },
    { sql: 'select count(*), 1 as one from airports', kind: 'cuboid' },
    {
      sql: "select state, count(*), string_agg(iata, ',' order by iata) from airports group by rollup (state) having count(*) > 0",
      kind: 'cuboid',
    },
    {
      sql: 'select x.iata, y.iata from airports x full join airports y on x.state = y.state and x.iata < y.iata',
      kind: 'cuboid',
    },
    {
      sql: 'with big as (select state from airports group by 1 having count(*) > 1) select iata from airports where state in (select state from big) union select null order by 1 limit 3',
      kind: 'cuboid',
    },
    {
      sql: `select carrier, count(*) from trips t where ${built} and origin in (select iata from airports where state is not null) group by carrier`,
      kind: 'cuboid',
    },
    {
      sql: "select * from trips where origin in (select iata from airports where state = 'CA')",
      kind: 'mixed',
    },
    { sql: 'select 1 + 1, null, true and null', kind: 'constant' },
  ])('gives the same rows by $kind as from the source: $sql', async ({ sql, kind }) => {
    const { cuboids, source } = await answers(sql);
    expect(cuboids.summary.planKind).toBe(kind);
    expect(cuboids.schema).toEqual(source.schema);
    expect(sorted(rowsOf(cuboids.batch))).toEqual(sorted(rowsOf(source.batch)));
    expect(cuboids.summary.rowCount).toBe(BigInt(cuboids.batch.rowCount));
  });

  test('says what a mixed answer rests on', async () => {
    const { cuboids } = await answers('select carrier, count(*) from trips group by carrier');
    const [block] = cuboids.summary.coverage.blocks;
    expect(block!.segments).toEqual(['m1', 'm2']);
    expect(block!.pushedDown.map(({ kind }) => kind)).toEqual(['range', 'null']);
    expect(cuboids.summary.coverage.sourceTables).toEqual(['files.trips']);
  });

  test('answers EXPLAIN CUBOID as rows', async () => {
    const sql = `explain cuboid select carrier, count(*) from trips t where ${built} group by carrier`;
    const { schema, batch } = await trips.daemon.execute({ project: 'default', sql });
    expect(schema.map(({ name }) => name)).toEqual(['QUERY PLAN']);
    expect(rowsOf(batch).flat().join('\n')).toContain('TAKEN');
  });

  test('answers EXPLAIN ANALYZE by running the statement, as text and as JSON', async () => {
    const sql = `select carrier, count(*) from trips t where ${built} group by carrier`;
    const { cuboids } = await answers(sql);
    const rows = Number(cuboids.summary.rowCount);
    const ask = async (options: string) => {
      const explain = `explain (${options}) ${sql}`;
      const answer = await trips.daemon.execute({ project: 'default', sql: explain });
      return { answer, text: rowsOf(answer.batch).flat().join('\n') };
    };
    const { answer, text } = await ask('analyze');
    expect(answer.schema.map(({ name }) => name)).toEqual(['QUERY PLAN']);
    expect(answer.summary.rowCount).toBe(BigInt(answer.batch.rowCount));
    expect(text).toContain('TAKEN');
    expect(text).toMatch(new RegExp(`^Rows: ${rows} in .* ms \\(queued .*executed .*\\)$`, 'm'));
    expect(text).toMatch(
      new RegExp(`^Storage in process: first call answered in .* 2 segments, ${rows} rows`, 'm'),
    );
    const { analyze, planKind } = JSON.parse((await ask('analyze, format json')).text);
    expect(planKind).toBe('cuboid');
    expect(analyze).toMatchObject({
      rowCount: rows,
      daemonWork: [{ daemon: 'in process', outcome: 'answered', rowCount: rows, wireBytes: 0 }],
    });
  });

  test('reads parameters in the types that the statement gives them', async () => {
    const sql = 'select count(*) from trips where day >= $1 and carrier = $2 and delay > $3';
    const parameters = [{ value: '2024-02-10' }, { value: 'X' }, { value: '15' }];
    const direct =
      "select count(*) from trips where day >= '2024-02-10' and carrier = 'X' and delay > 15";
    const given = await trips.daemon.execute({ project: 'default', sql, parameters });
    const { cuboids } = await answers(direct);
    expect(rowsOf(given.batch)).toEqual(rowsOf(cuboids.batch));
  });

  test.each([
    { sql: 'select nothing from trips', reason: 'UNKNOWN_COLUMN' },
    { sql: 'select * from nowhere', reason: 'UNKNOWN_TABLE' },
    { sql: 'select from from', reason: 'SQL_SYNTAX' },
    { sql: 'select 1 / (count(*) - count(*)) from trips', reason: 'DIVISION_BY_ZERO' },
    { sql: 'select sum(delay) / 0 from trips', reason: 'DIVISION_BY_ZERO' },
    { sql: 'select $1::int', reason: 'PARAMETER_MISSING' },
  ])('refuses $sql with $reason and lives on', async ({ sql, reason }) => {
    const failed = trips.daemon.execute({ project: 'default', sql });
    await expect(failed).rejects.toMatchObject({ reason });
    const next = await trips.daemon.execute({ project: 'default', sql: 'select 42' });
    expect(rowsOf(next.batch)).toEqual([[42]]);
  });

  test('does not give more rows than allowed', async () => {
    const request = { project: 'default', sql: 'select * from trips', settings: { maxRows: 10n } };
    await expect(trips.daemon.execute(request)).rejects.toMatchObject({
      reason: 'RESULT_TOO_LARGE',
    });
  });

  test('stops at its deadline, also inside DuckDB', async () => {
    const sql =
      'select count(*) from trips a, trips b, trips c, trips d where a.delay + b.delay + c.delay + d.delay = 7';
    const request = { project: 'default', sql, settings: { timeoutMs: 300 } };
    await expect(trips.daemon.execute(request)).rejects.toMatchObject({ reason: 'QUERY_TIMEOUT' });
  });

  test('answers without a corrupted layout, from another one or the source', async () => {
    const sql = `select carrier, count(*) from trips t where ${built} group by carrier`;
    const { source } = await answers(sql);
    let corrupt = 0;
    trips.scanner.fail = () =>
      corrupt++ < 1 ? failure(Code.DATA_LOSS, 'LAYOUT_CORRUPTED') : undefined;
    const answer = await trips.daemon.execute({ project: 'default', sql });
    expect(sorted(rowsOf(answer.batch))).toEqual(sorted(rowsOf(source.batch)));
    expect(answer.summary.notes).toHaveLength(1);
  });

  test('answers lookups from their snapshot, and says so', async () => {
    const sql = 'select state, count(*) from airports group by 1';
    const { cuboids } = await answers(sql);
    const { blocks, sourceTables } = cuboids.summary.coverage;
    expect(sourceTables).toEqual([]);
    expect(blocks).toMatchObject([{ snapshots: ['s1'], segments: ['m1', 'm2'], layouts: [] }]);
    const explained = await trips.daemon.execute({ project: 'default', sql: `explain ${sql}` });
    expect(rowsOf(explained.batch).flat().join('\n')).toMatch(/answered from: snapshot.*TAKEN/s);
  });

  test('reads a lookup from its source when the snapshot is damaged', async () => {
    trips.scanner.failSnapshot = () => failure(Code.DATA_LOSS, 'LAYOUT_CORRUPTED');
    const sql = "select iata from airports where state = 'TX'";
    const answer = await trips.daemon.execute({ project: 'default', sql });
    expect(rowsOf(answer.batch)).toEqual([['CCC']]);
    expect(answer.summary.planKind).toBe('source');
    expect(answer.summary.notes).toEqual(['Snapshot s1 was left out (LAYOUT_CORRUPTED).']);
  });

  test('asks a storage daemon that is away a second time', async () => {
    let calls = 0;
    trips.scanner.fail = () =>
      calls++ === 0 ? failure(Code.UNAVAILABLE, 'UNAVAILABLE') : undefined;
    const sql = `select carrier, max(delay) from trips t where ${built} group by carrier`;
    await trips.daemon.execute({ project: 'default', sql });
    expect(calls).toBe(2);
  });

  test('reports an unforeseen failure as INTERNAL with the query id', async () => {
    trips.scanner.fail = () => new Error('boom');
    const sql = `select carrier, min(delay) from trips t where ${built} group by carrier`;
    const failed = trips.daemon.execute({ project: 'default', sql, queryId: 'q-1' });
    await expect(failed).rejects.toMatchObject({
      reason: 'INTERNAL',
      metadata: { queryId: 'q-1' },
    });
  });

  test('keeps the shapes of what was asked, constants apart', async () => {
    const ask = (delay: number) =>
      trips.daemon.execute({
        project: 'default',
        sql: `select origin, sum(price) as shape from trips t where ${built} and carrier <> 'n${delay}' group by origin`,
      });
    await ask(1);
    await ask(2);
    const shape = trips.daemon.queryLog
      .shapes('default')
      .find(({ sql }) => sql.includes('as shape'));
    expect(shape).toMatchObject({ count: 2n, planKind: 'cuboid' });
    expect([...shape!.blocks[0]!.dimensions].sort()).toEqual(['carrier', 'origin']);
  });
});

describe('when metadata changes', () => {
  test('a retired segment is read from the source, and a deleted source is gone', async () => {
    await using changing = await startTrips();
    const { daemon, metadata } = changing;
    const sql = `select count(*) from trips t where ${built}`;
    const ask = () => daemon.execute({ project: 'default', sql });
    const before = await ask();
    expect(before.summary.planKind).toBe('cuboid');
    metadata.delete('segments', `${cubeName}/segments/m2`);
    await expect.poll(async () => (await ask()).summary.planKind).toBe('mixed');
    expect(rowsOf((await ask()).batch)).toEqual(rowsOf(before.batch));
    metadata.delete('sources', 'projects/default/sources/files');
    await expect.poll(() => ask().catch(({ reason }) => reason)).toBe('UNKNOWN_TABLE');
  });

  test('a model that does not fit its tables is told of in EXPLAIN, and answers nothing', async () => {
    await using changing = await startTrips();
    changing.metadata.put('models', {
      name: 'projects/default/models/broken',
      spec: modelSpecToProto({
        fact: { source: 'files', table: 'trips', alias: 't' },
        joins: [],
        dimensions: [{ name: 'x', column: 't.no_such_column' }],
        hierarchies: [],
        computedColumns: [],
        measures: [],
      }),
    });
    const sql = 'explain cuboid select count(*) from trips';
    await expect
      .poll(async () =>
        rowsOf((await changing.daemon.execute({ project: 'default', sql })).batch).join('\n'),
      )
      .toContain('Model broken is not used');
  });

  test.each([
    { what: 'ten megabytes', sql: `select '${'x'.repeat(10_000_000)}'` },
    {
      what: 'fifty thousand nested terms',
      sql: `select ${'('.repeat(50_000)}1${')'.repeat(50_000)}`,
    },
  ])('SQL of $what is refused, and the next query answered', async ({ sql }) => {
    await expect(trips.daemon.execute({ project: 'default', sql })).rejects.toMatchObject({
      reason: expect.stringMatching(/SQL_TOO_(LARGE|COMPLEX)/),
    });
    const next = await trips.daemon.execute({ project: 'default', sql: 'select 42' });
    expect(rowsOf(next.batch)).toEqual([[42]]);
  });
});

describe('when the source changes', () => {
  test('a lookup that changed is read from the source, not from its snapshot', async () => {
    await using changing = await startTrips();
    const ask = (sql: string) => changing.daemon.execute({ project: 'default', sql });
    const count = 'select count(*) from airports';
    expect((await ask(count)).summary.planKind).toBe('cuboid');
    appendFileSync(changing.airportsFile, 'EEE,NV\n');
    const { batch, summary } = await ask(count);
    expect(rowsOf(batch)).toEqual([[5n]]);
    expect(summary.planKind).toBe('source');
    const explained = rowsOf((await ask(`explain ${count}`)).batch).flat();
    expect(explained.join('\n')).toMatch(/LOOKUP_ONLY.*changed since/s);
  });

  test('the first answer over its new data tells of rows that did not parse', async () => {
    await using changing = await startTrips();
    const settings = { useCuboids: 'never' } as const;
    const ask = (sql: string) => changing.daemon.execute({ project: 'default', sql, settings });
    expect((await ask('select count(*) from trips')).summary.rejectedRows).toBe(0n);
    const tooLong = 'x'.repeat(2_100_000); // For DuckDB, which then leaves the record out.
    appendFileSync(changing.tripsFile, `\n2024-01-05,AAA,${tooLong},3,1.00\n2024-01-06,AAA\n`);
    const { batch, summary } = await ask('select count(*) from trips');
    expect(rowsOf(batch)).toEqual([[600n]]);
    expect(summary.rejectedRows).toBe(2n);
  });

  test('stale segments are holes, and a file that vanished is an error', async () => {
    await using changing = await startTrips();
    const sql = 'select count(*) from trips where delay is null or delay is not null';
    const count = async () =>
      rowsOf((await changing.daemon.execute({ project: 'default', sql })).batch)[0]![0];
    expect(await count()).toBe(600n);
    appendFileSync(changing.tripsFile, '\n2024-01-05,AAA,X,3,1.00\n');
    expect(await count()).toBe(601n);
    rmSync(changing.tripsFile);
    await expect(count()).rejects.toHaveProperty('reason');
  });
});

function failure(code: Code, reason: string): TesseraError {
  return new TesseraError({ code, reason, message: reason });
}
