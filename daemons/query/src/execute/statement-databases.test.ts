import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rowsOf } from '@tessera/columnar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { queryDefaults } from '../config.ts';
import { memoryBytes, StatementDatabases } from './statement-databases.ts';

const mebi = 1 << 20;
let stack: AsyncDisposableStack;
let databases: StatementDatabases;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const workDirectory = await mkdtemp(join(tmpdir(), 'tessera-databases-'));
  stack.defer(() => rm(workDirectory, { recursive: true }));
  const settings = { ...queryDefaults, workDirectory, duckdbMemoryBytes: 512 * mebi };
  databases = stack.use(await StatementDatabases.open({ ...settings, duckdbConnections: 2 }));
});
afterEach(() => stack.disposeAsync());

/** Holds so much memory that cannot be spilled, until the connection is given back. */
const hold = (rows: number) =>
  `SELECT count(*) FROM (SELECT list(range) AS held FROM range(${rows})) WHERE len(held) = ${rows}`;

describe('small and heavy statements', () => {
  test('have memory of their own, so one that fills its part fails no other', async () => {
    const [small, heavy] = [await databases.of(false), await databases.of(true)];
    const rows = 12_000_000;
    await expect(small.run(hold(rows))).rejects.toMatchObject({ reason: 'OUT_OF_MEMORY' });
    expect(rowsOf(await heavy.run(hold(rows)))).toEqual([[1n]]);
    await heavy.session(async (connection) => {
      await connection.execute(`CREATE TEMP TABLE filling AS SELECT range FROM range(24_000_000)`);
      expect(rowsOf(await small.run(hold(500_000)))).toEqual([[1n]]);
      await connection.execute('DROP TABLE filling');
    });
  });

  test('have connections of their own: heavy ones may take all of theirs, and small ones run', async () => {
    const [small, heavy] = [await databases.of(false), await databases.of(true)];
    const gate = Promise.withResolvers<void>();
    const held = heavy.session(() => gate.promise);
    const waits = heavy.run('SELECT 2');
    await expect.poll(() => heavy.load).toEqual({ running: 1, waiting: 1 });
    for (let i = 0; i < 3; i++) expect(rowsOf(await small.run('SELECT 1'))).toEqual([[1]]);
    gate.resolve();
    await held;
    expect(rowsOf(await waits)).toEqual([[2]]);
  });

  test('share memory out: a quarter is for small ones, or 128 MiB, or half of what there is', () => {
    const partsOf = (duckdbMemoryBytes: number) =>
      [false, true].map((heavy) => memoryBytes({ duckdbMemoryBytes }, heavy) / mebi);
    expect(partsOf(1024 * mebi)).toEqual([256, 768]);
    expect(partsOf(400 * mebi)).toEqual([128, 272]);
    expect(partsOf(100 * mebi)).toEqual([50, 50]);
  });

  test('are in two databases, however many ask at once', async () => {
    const [first, second] = [databases.of(true), databases.of(true)];
    expect(await first).toBe(await second);
    expect(await first).not.toBe(await databases.of(false));
  });
});
