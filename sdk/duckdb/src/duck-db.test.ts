import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  batchFromRows,
  type ColumnBatch,
  concatBatches,
  type DataType,
  rowsOf,
  type Schema,
  type Value,
} from '@tessera/columnar';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DuckDb, duckdbType } from './index.ts';

const numeric = (precision: number, scale: number): DataType => ({
  kind: 'numeric',
  precision,
  scale,
});
const digits = (count: number) =>
  fc.bigInt({ min: -(10n ** BigInt(count)) + 1n, max: 10n ** BigInt(count) - 1n });
const micros = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n });
const generators: readonly (readonly [DataType, fc.Arbitrary<NonNullable<Value>>])[] = [
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'smallint' }, fc.integer({ min: -32768, max: 32767 })],
  [{ kind: 'integer' }, fc.integer()],
  [{ kind: 'bigint' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ kind: 'real' }, fc.float()],
  [{ kind: 'double' }, fc.double()],
  [{ kind: 'text' }, fc.string({ unit: 'grapheme', maxLength: 40 })],
  [{ kind: 'bytes' }, fc.uint8Array({ maxLength: 40 })],
  [{ kind: 'date' }, fc.integer({ min: -1_000_000, max: 1_000_000 })],
  [{ kind: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  [{ kind: 'timestamp' }, micros],
  [{ kind: 'timestamptz' }, micros],
  [numeric(4, 1), digits(4)],
  [numeric(9, 9), digits(9)],
  [numeric(18, 2), digits(18)],
  [numeric(38, 0), digits(38)],
  [{ kind: 'numeric' }, digits(38)],
];

const batches: fc.Arbitrary<ColumnBatch> = fc
  .array(fc.constantFrom(...generators), { minLength: 1, maxLength: 5 })
  .chain((columns) => {
    const schema: Schema = columns.map(([type], i) => ({ name: `c${i}`, type, nullable: true }));
    const row = fc.tuple(...columns.map(([, values]) => fc.option(values, { freq: 4 })));
    return fc.array(row, { maxLength: 30 }).map((rows) => batchFromRows(schema, rows));
  });

/** Counts to far more than a test waits for. */
const endless =
  'SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = -1';

let db: DuckDb;
let folder: string;
beforeAll(async () => {
  db = await DuckDb.open({ threads: 1, maxConcurrent: 2, maxQueued: 3, queueTimeoutMs: 10_000 });
  folder = await mkdtemp(join(tmpdir(), 'tessera-duckdb-'));
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: { reason?: string }) => error.reason,
  );

describe('batches', () => {
  test('a table that was left over is replaced by the one that is made', async () => {
    const schema: Schema = [{ name: 'n', type: { kind: 'integer' }, nullable: false }];
    await db.session(async (connection) => {
      for (const n of [1, 2]) {
        await connection.createTable('again', schema, [batchFromRows(schema, [[n]])]);
      }
      expect(rowsOf(await connection.run('SELECT * FROM again'))).toEqual([[2]]);
      await connection.dropTable('again');
    });
  });

  test('what is appended comes back the same, in every type, whole and streamed', async () => {
    let table = 0;
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        const name = `t${table++}`;
        await db.session(async (connection) => {
          await connection.createTable(name, batch.schema, [batch, batch]);
          const options = { schema: batch.schema };
          const read = await connection.run(`SELECT * FROM ${name}`, [], options);
          const wanted = rowsOf(concatBatches(batch.schema, [batch, batch]));
          expect(rowsOf(read)).toEqual(wanted);
          const streamed: Value[][] = [];
          for await (const part of connection.stream(`SELECT * FROM ${name}`, [], options)) {
            streamed.push(...rowsOf(part));
          }
          expect(streamed).toEqual(wanted);
          const computed: Value[][] = [];
          for await (const part of connection.batches(`SELECT * FROM ${name}`, [], options)) {
            computed.push(...rowsOf(part));
          }
          expect(computed).toEqual(wanted);
          await connection.dropTable(name);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('chunks join to one batch in order, with NULLs and long strings in place', async () => {
    const rows = await db.run(
      `SELECT range AS i, CASE WHEN range % 7 = 0 THEN NULL ELSE repeat('é', (range % 40)::INT) || range END AS s
       FROM range(10000)`,
    );
    expect(rows.rowCount).toBe(10_000);
    for (const [i, s] of rowsOf(rows) as [bigint, string | null][]) {
      expect(s).toBe(i % 7n === 0n ? null : 'é'.repeat(Number(i % 40n)) + i);
    }
  });

  test('types that only DuckDB has come as the nearest of ours', async () => {
    const batch = await db.run(
      `SELECT 200::UTINYINT, 4000000000::UINTEGER, 18446744073709551615::UBIGINT, -5::HUGEINT,
              'a'::ENUM('a', 'b'), '2b0e6f43-0000-4000-8000-0123456789ab'::UUID, TIMESTAMP_MS '2020-01-01',
              INTERVAL 14 MONTH, NULL`,
    );
    expect(rowsOf(batch)).toEqual([
      [
        200,
        4_000_000_000n,
        18_446_744_073_709_551_615n,
        -5n,
        'a',
        '2b0e6f43-0000-4000-8000-0123456789ab',
        1_577_836_800_000_000n,
        { months: 14, days: 0, micros: 0n },
        null,
      ],
    ]);
    expect(await failure(db.run('SELECT [1, 2]'))).toBe('TYPE_UNSUPPORTED');
  });

  test('a declared schema decides the types; a value that does not fit is an error', async () => {
    const schema: Schema = [
      { name: 'total', type: { kind: 'bigint' }, nullable: true },
      { name: 'mean', type: { kind: 'numeric' }, nullable: true },
    ];
    const sums = await db.run('SELECT sum(range), sum(range)::DECIMAL(38, 2) FROM range(5)', [], {
      schema,
    });
    expect(sums.schema).toEqual(schema);
    expect(rowsOf(sums)).toEqual([[10n, 10n * 10n ** 20n]]);
    const huge = 'SELECT 9223372036854775808::HUGEINT, 1';
    expect(await failure(db.run(huge, [], { schema }))).toBe('NUMERIC_OUT_OF_RANGE');
  });

  test('parameters bind in their types, and a cached statement takes new ones', async () => {
    for (const [type, values] of generators) {
      await fc.assert(
        fc.asyncProperty(fc.option(values, { freq: 5 }), async (value) => {
          const schema: Schema = [{ name: 'v', type, nullable: true }];
          const sql = `SELECT $1::${duckdbType(type)} AS v`;
          const read = await db.run(sql, [{ type, value }], { schema, cached: true });
          expect(rowsOf(read)).toEqual([[value]]);
        }),
        { numRuns: 10 },
      );
    }
  });

  test('integer division and the order of NULLs are those of PostgreSQL', async () => {
    const rows = await db.run(
      'SELECT 7 / 2 AS q, x FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x DESC',
    );
    expect(rowsOf(rows)).toEqual([
      [3, null],
      [3, 2],
      [3, 1],
    ]);
  });
});

describe('cancel', () => {
  test('frees the connection and the CPU; the next query on it works', async () => {
    const one = await DuckDb.open({ threads: 1, maxConcurrent: 1 });
    for (let round = 0; round < 5; round++) {
      const control = new AbortController();
      const running = one.run(endless, [], { signal: control.signal });
      setTimeout(() => control.abort(), round * 3);
      expect(await failure(running)).toBe('QUERY_CANCELLED');
      expect(rowsOf(await one.run('SELECT 1'))).toEqual([[1]]);
    }
    expect(one.load).toEqual({ running: 0, waiting: 0 });
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const used = process.cpuUsage(before);
    // A query that still ran would have used all 200 ms of a core.
    expect(used.user + used.system).toBeLessThan(150_000);
    await one[Symbol.asyncDispose]();
  });

  test('stops a stream while a batch is computed, and between batches', async () => {
    const control = new AbortController();
    const stream = db.stream('SELECT range FROM range(100000000)', [], { signal: control.signal });
    await stream.next();
    control.abort();
    expect(await failure(stream.next())).toBe('QUERY_CANCELLED');
    expect(db.load.running).toBe(0);
  });

  test('a stream that is left early gives its connection back in working order', async () => {
    for await (const batch of db.stream('SELECT range FROM range(1000000)')) {
      expect(batch.rowCount).toBeGreaterThan(0);
      break;
    }
    expect(db.load.running).toBe(0);
    expect(rowsOf(await db.run('SELECT 2'))).toEqual([[2]]);
  });

  test('a signal that aborts after its query has ended stops nobody else', async () => {
    const control = new AbortController();
    await db.run('SELECT 1', [], { signal: control.signal });
    const other = db.run('SELECT count(*) FROM range(30000000)');
    control.abort();
    expect(rowsOf(await other)).toEqual([[30_000_000n]]);
  });
});

describe('admission', () => {
  test('what is over the limit waits, what is over the queue is refused, who gives up leaves', async () => {
    const small = await DuckDb.open({ threads: 1, maxConcurrent: 1, maxQueued: 2 });
    const control = new AbortController();
    const running = failure(small.run(endless, [], { signal: control.signal }));
    const leaver = new AbortController();
    const leaving = failure(small.run('SELECT 1', [], { signal: leaver.signal }));
    const waiting = small.run('SELECT 2');
    expect(await failure(small.run('SELECT 3'))).toBe('QUERY_QUEUE_FULL');
    leaver.abort();
    await leaving;
    expect(small.load).toEqual({ running: 1, waiting: 1 });
    control.abort();
    expect(await running).toBe('QUERY_CANCELLED');
    expect(rowsOf(await waiting)).toEqual([[2]]);
    await small[Symbol.asyncDispose]();
  });

  test('who waits too long is told so', async () => {
    const small = await DuckDb.open({ threads: 1, maxConcurrent: 1, queueTimeoutMs: 20 });
    const control = new AbortController();
    const running = failure(small.run(endless, [], { signal: control.signal }));
    expect(await failure(small.run('SELECT 1'))).toBe('QUERY_QUEUE_TIMEOUT');
    control.abort();
    await running;
    await small[Symbol.asyncDispose]();
  });

  test('closing stops what runs and refuses what comes later', async () => {
    const closing = await DuckDb.open({ threads: 1 });
    await closing.run('SELECT 1');
    const running = failure(closing.run(endless));
    await vi.waitFor(() => expect(closing.load.running).toBe(1));
    await closing[Symbol.asyncDispose]();
    expect(await running).toBe('QUERY_CANCELLED');
    expect(await failure(closing.run('SELECT 1'))).toBe('DATABASE_CLOSED');
  });
});

describe('failures', () => {
  test.each([
    ["SELECT error('division by zero')", 'DIVISION_BY_ZERO'],
    ["SELECT 'abc'::INTEGER", 'CONVERSION_FAILED'],
    ['SELECT 40000::SMALLINT', 'NUMERIC_OUT_OF_RANGE'],
    ['SELECT 9223372036854775807::BIGINT + 1::BIGINT', 'NUMERIC_OUT_OF_RANGE'],
    ['SELECT 123.45::DECIMAL(3, 2)', 'NUMERIC_OUT_OF_RANGE'],
    ["SELECT * FROM read_parquet('/nowhere/at/all.parquet')", 'FILE_MISSING'],
    ['SELECT nothing', 'DUCKDB_FAILED'],
  ])('%s fails with %s', async (sql, reason) => {
    expect(await failure(db.run(sql))).toBe(reason);
    expect(rowsOf(await db.run('SELECT 1'))).toEqual([[1]]);
  });

  test('too little memory is RESOURCE_EXHAUSTED, and the database still answers', async () => {
    const tiny = await DuckDb.open({ threads: 1, memoryLimitBytes: 20_000_000 });
    const sorted =
      'SELECT max(s) FROM (SELECT range::VARCHAR || repeat(chr(97), 50) AS s FROM range(2000000) ORDER BY s LIMIT 1900000)';
    expect(await failure(tiny.run(sorted))).toBe('OUT_OF_MEMORY');
    expect(rowsOf(await tiny.run('SELECT 1'))).toEqual([[1]]);
    await tiny[Symbol.asyncDispose]();
  });

  test('damaged Parquet is FILE_CORRUPT', async () => {
    const file = join(folder, 'bad.parquet');
    await writeFile(file, 'PAR1 this is no parquet file at all');
    expect(await failure(db.run(`SELECT * FROM read_parquet('${file}')`))).toBe('FILE_CORRUPT');
  });

  test('an append that fails leaves nothing behind', async () => {
    const schema: Schema = [{ name: 'n', type: numeric(4, 0), nullable: true }];
    await db.session(async (connection) => {
      await connection.execute('CREATE TEMP TABLE small_numbers (n DECIMAL(4, 0))');
      const work = connection.append('small_numbers', [batchFromRows(schema, [[1n], [100_000n]])]);
      expect(await failure(work)).toBe('NUMERIC_OUT_OF_RANGE');
      expect((await connection.run('SELECT * FROM small_numbers')).rowCount).toBe(0);
      await connection.dropTable('small_numbers');
    });
  });
});

describe('the zone of a statement', () => {
  const sql = "SELECT CAST(TIMESTAMPTZ '2024-03-30 23:30:00+00' AS VARCHAR)";
  const shown = async (on: DuckDb, timeZone?: string) => {
    const batches: ColumnBatch[] = [];
    for await (const batch of on.batches(sql, [], { cached: true, timeZone })) batches.push(batch);
    return rowsOf(batches[0]!)[0]![0];
  };

  test('is for that statement only, also when the text is prepared already', async () => {
    await using one = await DuckDb.open({
      maxConcurrent: 1,
      onConnect: ["SET TimeZone = 'Asia/Tokyo'"],
    });
    const zones = [undefined, 'Europe/Berlin', 'Asia/Kathmandu', undefined, 'Europe/Berlin'];
    const answers: unknown[] = [];
    for (const zone of zones) answers.push(await shown(one, zone));
    expect(answers).toEqual([
      '2024-03-31 08:30:00+09',
      '2024-03-31 00:30:00+01',
      '2024-03-31 05:15:00+05:45',
      '2024-03-31 08:30:00+09',
      '2024-03-31 00:30:00+01',
    ]);
  });

  test('leaves the connection as it was when DuckDB does not know it', async () => {
    await using one = await DuckDb.open({ maxConcurrent: 1, onConnect: ["SET TimeZone = 'UTC'"] });
    await expect(shown(one, 'Nowhere/Nothing')).rejects.toThrow('Nowhere/Nothing');
    expect(await shown(one)).toBe('2024-03-30 23:30:00+00');
  });
});
