import { appendFile, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataType } from '@tessera/columnar';
import type { BuildMeasure, BuildPlan, LayoutStep } from '@tessera/cube';
import { DuckDb, quoteText } from '@tessera/duckdb';
import type { BuildRequest, Engine } from '@tessera/plugin';
import { type Expr, type as types } from '@tessera/sql';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { engineConfig, plugin } from './plugin.ts';
import { Session } from './session.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const signal = new AbortController().signal;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'engine-limits-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const engineOf = async (config: { threads?: number } = {}): Promise<Engine> =>
  plugin.create({
    config: engineConfig.parse(config),
    name: 'duckdb',
    log,
    baseDirectory: directory,
    workDirectory: join(directory, 'work'),
  });

async function facts(sql: string): Promise<string> {
  const path = join(directory, 'facts.parquet');
  await using database = await DuckDb.open({ memoryLimitBytes: 256 << 20 });
  await database.execute(`COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet)`);
  return path;
}

/** One table `f` with columns k (text) and v (bigint), grouped by k. */
function requestOf(
  path: string,
  measures: readonly BuildMeasure[],
  memory = 512 << 20,
): BuildRequest {
  const column = (name: string, type: DataType): Expr => ({
    kind: 'column',
    type,
    relation: 'f',
    name,
  });
  const columns = [
    { name: 'k', type: types.text },
    { name: 'v', type: types.bigint },
  ];
  const layout: LayoutStep = {
    layout: 'by-k',
    kind: 'rows',
    dimensions: ['k'],
    measures,
    sortColumns: ['k'],
    columns: [
      { name: 'k', type: types.text, role: 'dimension' },
      ...measures.map((m) => ({ name: m.column, type: m.type, role: 'measure' as const })),
    ],
  };
  const plan: BuildPlan = {
    cube: 'projects/test/cubes/limits',
    inputs: [{ alias: 'f', source: 'test', table: 'facts', columns }],
    joins: [],
    segments: [{ id: 'all', range: { kind: 'all' } }],
    flat: columns.map(({ name, type }) => ({ name, type, expr: column(name, type) })),
    dictionaries: [],
    layouts: [layout],
  };
  const fields = columns.map((field) => ({ ...field, nullable: true }));
  const location = { format: 'parquet', paths: [path], columns: fields, options: {} } as const;
  return {
    plan,
    inputs: { f: { kind: 'native', location } },
    dictionaries: {},
    outputDirectory: join(directory, 'out'),
    memoryLimitBytes: memory,
  };
}

const sum: BuildMeasure = { column: 'v_sum', fn: 'sum', arg: 'v', type: types.bigint };
const unique = `SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS k, i AS v FROM range(400000) AS t(i)`;

describe('a build within its bounds', () => {
  test('spills what its memory does not hold', async () => {
    const engine = await engineOf({ threads: 2 });
    const request = requestOf(await facts(unique), [sum], 96 << 20);
    const events = await Array.fromAsync(engine.build(request, signal));
    expect(events.find((event) => event.kind === 'file')?.file.rowCount).toBe(400_000n);
  });

  test('gives the same files in turns, in a file, and all at once', async () => {
    const rows = 510_000;
    const path = await facts(
      `SELECT md5((i % 40000)::VARCHAR) AS k, i AS v FROM range(${rows}) AS t(i) ORDER BY hash(i)`,
    );
    const v: Expr = { kind: 'column', type: types.bigint, relation: 'f', name: 'v' };
    const compare = (fn: string, value: number): Expr => ({
      kind: 'call',
      type: types.boolean,
      fn,
      args: [v, { kind: 'literal', type: types.bigint, value: BigInt(value) }],
    });
    const segments = [0, 1, 2].map((i) => ({
      id: `s${i}`,
      range: { kind: 'range', start: BigInt(i), end: BigInt(i + 1) } as const,
      predicate: {
        kind: 'call',
        type: types.boolean,
        fn: 'and',
        args: [compare('>=', (i * rows) / 3), compare('<', ((i + 1) * rows) / 3)],
      } as Expr,
    }));
    const engine = await engineOf({ threads: 2 });
    const text: Expr = { kind: 'literal', type: types.text, value: 'x' };
    const padding = Array.from({ length: 8 }, (_, i) => ({
      name: `padding ${i}`,
      type: types.text,
      expr: text,
    }));
    const outcomes = [];
    // The flat relation takes about 150 MB, each segment a third.
    for (const megabytes of [512, 100, 76]) {
      const request = requestOf(path, [sum], megabytes * 1_000_000);
      const plan = { ...request.plan, segments, flat: [...request.plan.flat, ...padding] };
      const statements: string[] = [];
      const run = vi.spyOn(Session.prototype, 'run').mockImplementation(function (
        this: Session,
        sql,
      ) {
        statements.push(sql);
        return this.attempt(() => this.connection.run(sql)).then(() => undefined);
      });
      const events = await Array.fromAsync(engine.build({ ...request, plan }, signal));
      run.mockRestore();
      const count = (start: string) => statements.filter((sql) => sql.startsWith(start)).length;
      outcomes.push({
        flats: count('CREATE TABLE flat'),
        files: count('ATTACH'),
        built: events.flatMap((event) =>
          event.kind === 'file'
            ? [[event.segment, event.file.rowCount, event.file.checksum] as const]
            : [],
        ),
        read: events.flatMap((event) => (event.kind === 'segment' ? [event.sourceRows] : [])),
      });
    }
    expect(outcomes.map(({ flats, files }) => [flats, files])).toEqual([
      [1, 0],
      [3, 0],
      [1, 1],
    ]);
    for (const { built, read } of outcomes) {
      expect(built).toEqual(outcomes[0]!.built);
      expect(read).toEqual(segments.map(() => BigInt(rows / 3)));
    }
    expect(outcomes[0]!.built.map(([segment, rowCount]) => [segment, rowCount])).toEqual(
      segments.map(({ id }) => [id, 40_000n]),
    );
  });

  test('says that the disk is full when it may not spill as much as it must', async () => {
    const options = {
      workDirectory: directory,
      memoryLimitBytes: 100 << 20,
      maxTempBytes: 1 << 20,
    };
    await using session = await Session.open(options, signal);
    const filling = session.run(
      'CREATE TABLE big AS SELECT i, md5(i::VARCHAR) AS v FROM range(5000000) AS t(i)',
    );
    await expect(filling).rejects.toMatchObject({ reason: 'BUILD_OUT_OF_DISK' });
  });

  test('says that memory is too small when nothing fits', async () => {
    const engine = await engineOf({ threads: 2 });
    const request = requestOf(await facts(unique), [sum], 1 << 20);
    await expect(Array.fromAsync(engine.build(request, signal))).rejects.toMatchObject({
      reason: 'BUILD_OUT_OF_MEMORY',
    });
  });

  test('leaves nothing in its work directory, whether it ends well or not', async () => {
    const engine = await engineOf();
    const path = await facts('SELECT NULL::VARCHAR AS k, 1::BIGINT AS v');
    await Array.fromAsync(engine.build(requestOf(path, [sum]), signal));
    await truncate(path, 10);
    await expect(Array.fromAsync(engine.build(requestOf(path, [sum]), signal))).rejects.toThrow();
    expect(await readdir(join(directory, 'work'))).toEqual([]);
  });
});

describe('sums', () => {
  test('that overflow a bigint fail rather than wrap', async () => {
    const engine = await engineOf();
    const path = await facts(`SELECT 'a' AS k, 9223372036854775807 AS v FROM range(2)`);
    await expect(
      Array.fromAsync(engine.build(requestOf(path, [sum]), signal)),
    ).rejects.toMatchObject({
      reason: 'MEASURE_OVERFLOW',
    });
  });

  test('of bigints are exact beyond 64 bits as numerics', async () => {
    const engine = await engineOf();
    const path = await facts(`SELECT 'a' AS k, 9223372036854775807 AS v FROM range(3)`);
    const wide: BuildMeasure = { ...sum, type: { kind: 'numeric', precision: 38, scale: 0 } };
    await Array.fromAsync(engine.build(requestOf(path, [wide]), signal));
    await using database = await DuckDb.open();
    const file = quoteText(join(directory, 'out', 'all', 'by-k.parquet'));
    const { columns } = await database.run(`SELECT v_sum FROM ${file}`);
    expect(columns[0]!.values[0]).toBe(27670116110564327421n);
  });
});

describe('a source that changes while it is read', () => {
  test.each([
    { what: 'is written to', change: (path: string) => appendFile(path, 'x') },
    { what: 'is cut off', change: (path: string) => truncate(path, 1000) },
    { what: 'vanishes', change: (path: string) => rm(path) },
    { what: 'is no Parquet any more', change: (path: string) => writeFile(path, 'hello') },
  ])('fails the build when it $what', async ({ change }) => {
    const engine = await engineOf();
    const path = await facts(unique);
    const building = (async () => {
      for await (const event of engine.build(requestOf(path, [sum]), signal)) {
        if (event.kind === 'source') await change(path);
      }
    })();
    await expect(building).rejects.toMatchObject({ reason: 'SOURCE_CHANGED' });
  });
});
