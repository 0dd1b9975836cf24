import type { ColumnBatch, Value } from '@tessera/columnar';
import { valueAt } from '@tessera/columnar';
import { DuckDb, nativeScanSql } from '@tessera/duckdb';
import type { Connector, ScanOffer, TableScan } from '@tessera/plugin';
import { type Expr, lit, type } from '@tessera/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

export interface ConnectorSubject extends AsyncDisposable {
  readonly connector: Connector;
  /** Changes the data of table `numbers`, without adding or removing columns. */
  change(): Promise<void>;
}

export interface ConnectorSuite {
  /**
   * A connector with a table `numbers` of columns n (bigint: 0 … 4999) and word (text: 'w' and n modulo 10, NULL
   * where n is divisible by 7).
   */
  create(): Promise<ConnectorSubject>;
}

const signal = new AbortController().signal;
const n: Expr = { kind: 'column', type: type.bigint, relation: 'numbers', name: 'n' };
const word: Expr = { kind: 'column', type: type.text, relation: 'numbers', name: 'word' };
const call = (fn: string, ...args: Expr[]): Expr => ({
  kind: 'call',
  type: type.boolean,
  fn,
  args,
});

/** What every connector must do. */
export function describeConnector(name: string, suite: ConnectorSuite): void {
  describe(`connector ${name}`, () => {
    let subject: ConnectorSubject;
    let connector: Connector;
    beforeEach(async () => {
      subject = await suite.create();
      connector = subject.connector;
    });
    afterEach(() => subject[Symbol.asyncDispose]());

    const scan = (columns: readonly string[], ...predicates: Expr[]): TableScan => ({
      table: 'numbers',
      columns,
      predicates,
    });
    const rowsOf = async (offer: ScanOffer) => {
      const rows: Value[][] = [];
      for (const split of offer.splits) {
        for await (const batch of connector.read(split, signal)) rows.push(...rowsOfBatch(batch));
      }
      return rows;
    };

    test('reports the table with its columns and types', async () => {
      const tables = await connector.catalog(signal);
      const numbers = tables.find((table) => table.name === 'numbers');
      expect(numbers?.columns.map((column) => [column.name, column.type.kind])).toEqual([
        ['n', 'bigint'],
        ['word', 'text'],
      ]);
    });

    test('reads each row once, over all splits, with the columns that were asked for', async () => {
      const rows = await rowsOf(await connector.plan(scan(['word', 'n']), signal));
      const sorted = rows.sort((a, b) => Number(a[1]) - Number(b[1]));
      expect(sorted).toEqual(
        Array.from({ length: 5000 }, (_, i) => [i % 7 === 0 ? null : `w${i % 10}`, BigInt(i)]),
      );
    });

    test('counts rows when no column is asked for', async () => {
      expect(await rowsOf(await connector.plan(scan([]), signal))).toHaveLength(5000);
    });

    test.each([
      { predicate: call('<', n, lit.bigint(10n)), count: 10 },
      { predicate: call('=', word, lit.text('w3')), count: 429 },
      { predicate: call('is_null', word), count: 715 },
      { predicate: call('<>', word, lit.text('w3')), count: 3856 },
    ])('does with a predicate what it offered: $count rows', async ({ predicate, count }) => {
      const offer = await connector.plan(scan(['n'], predicate), signal);
      expect(offer.predicates).toHaveLength(1);
      const rows = await rowsOf(offer);
      if (offer.predicates[0] === 'exact') expect(rows).toHaveLength(count);
      else expect(rows.length).toBeGreaterThanOrEqual(count);
    });

    test('tells with its columns the version that they were read at, if at all', async () => {
      const tables = await connector.catalog(signal);
      const { version } = tables.find(({ name }) => name === 'numbers')!;
      if (version === undefined) return;
      expect(version).toEqual(await connector.version('numbers', signal));
    });

    test('keeps its version until the data change', async () => {
      const before = await connector.version('numbers', signal);
      expect(await connector.version('numbers', signal)).toEqual(before);
      await subject.change();
      const after = await connector.version('numbers', signal);
      if (before.known) expect(after.token).not.toBe(before.token);
    });

    test('gives splits that are plain data', async () => {
      const { splits } = await connector.plan(scan(['n']), signal);
      const copies = structuredClone(splits);
      expect(
        await rowsOf({ predicates: [], aggregate: 'unsupported', splits: copies }),
      ).toHaveLength(5000);
    });

    test('names native files that give the same rows as reading', async () => {
      const location = await connector.location?.('numbers', signal);
      if (location === undefined) return;
      await using database = await DuckDb.open({ memoryLimitBytes: 128 << 20 });
      const native = await database.run(`${nativeScanSql(location, ['n', 'word'])} ORDER BY n`);
      const read = await rowsOf(await connector.plan(scan(['n', 'word']), signal));
      expect(rowsOfBatch(native)).toEqual(read.sort((a, b) => Number(a[0]) - Number(b[0])));
    });

    test('stops when cancelled, and a reader that leaves early harms nobody', async () => {
      const { splits } = await connector.plan(scan(['n']), signal);
      for await (const _ of connector.read(splits[0]!, signal)) break;
      const abort = new AbortController();
      abort.abort();
      await expect(Array.fromAsync(connector.read(splits[0]!, abort.signal))).rejects.toThrow();
      expect(await rowsOf(await connector.plan(scan(['n']), signal))).toHaveLength(5000);
    });

    test('refuses a table that it has not', async () => {
      const absent = { table: 'absent', columns: [], predicates: [] };
      await expect(connector.plan(absent, signal)).rejects.toThrow('absent');
    });
  });
}

const rowsOfBatch = (batch: ColumnBatch): Value[][] =>
  Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  );
