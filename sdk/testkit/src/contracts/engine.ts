import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildPlan, LayoutStep } from '@tessera/cube';
import { checksumSql, type DuckDb, quoteName, quoteText } from '@tessera/duckdb';
import type { BuildProgress, BuildRequest, Engine, EngineInput } from '@tessera/plugin';
import { call, lit, type } from '@tessera/sql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  enginePlan,
  measures,
  nativeInputs,
  openOracle,
  segmentSql,
  streamInputs,
} from './engine-plan.ts';

export interface EngineSuite {
  /** A fresh engine whose temporary files go to `workDirectory`. */
  create(workDirectory: string): Promise<Engine>;
}

type FileEvent = Extract<BuildProgress, { kind: 'file' }>;
const signal = new AbortController().signal;

/** What every engine must do, compared with plain SQL over the same tables. */
export function describeEngine(name: string, suite: EngineSuite): void {
  describe(`engine ${name}`, () => {
    let directory: string;
    let engine: Engine;
    let oracle: DuckDb;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'engine-'));
      engine = await suite.create(join(directory, 'work'));
    });
    afterEach(async () => {
      await oracle?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    const requestOf = (plan: BuildPlan, inputs: Record<string, EngineInput>): BuildRequest => ({
      plan,
      inputs,
      dictionaries: {},
      outputDirectory: join(directory, 'out'),
      memoryLimitBytes: 512 << 20,
    });

    const rowsOf = async (sql: string) => {
      const batch = await oracle.run(`SELECT to_json(t)::VARCHAR AS row FROM (${sql}) AS t`);
      return (batch.columns[0]!.values as string[]).slice(0, batch.rowCount);
    };
    const parquet = (file: string) => `read_parquet(${quoteText(join(directory, 'out', file))})`;

    describe.each(['left', 'inner'] as const)('with %s joins', (kind) => {
      test('writes what plain SQL gives, for each layout and segment', async () => {
        const plan = enginePlan(kind);
        oracle = await openOracle(kind);
        const inputs = await nativeInputs(oracle, directory, plan);
        const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
        const files = filesOf(events);
        expect(files).toHaveLength(plan.layouts.length * plan.segments.length);
        for (const { segment, layout, file } of files) {
          const step = plan.layouts.find((candidate) => candidate.layout === layout)!;
          if (step.kind === 'distinct') continue;
          const stored = await rowsOf(
            `SELECT ${rounded(step)} FROM ${parquet(file.file)} ORDER BY ALL`,
          );
          const wanted = await rowsOf(
            `SELECT ${rounded(step)} FROM (${wantedSql(step, segment)}) ORDER BY ALL`,
          );
          expect(stored, `${layout} of ${segment}`).toEqual(wanted);
        }
      });

      test('counts facts and those without a partner, per segment', async () => {
        const plan = enginePlan(kind);
        oracle = await openOracle('left');
        const inputs = await nativeInputs(oracle, directory, plan);
        const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
        for (const event of events) {
          if (event.kind !== 'segment') continue;
          const [wanted] = await rowsOf(
            `SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (FROM shops WHERE code = shop)) AS shops,
               count(*) FILTER (WHERE region IS NULL) AS regions FROM flat WHERE ${segmentSql[event.segment]}`,
          );
          const { shops, regions } = event.unmatchedRows;
          const found = { rows: event.sourceRows, shops, regions };
          expect(JSON.parse(wanted!)).toEqual(
            Object.fromEntries(Object.entries(found).map(([key, value]) => [key, Number(value)])),
          );
        }
        expect(events.filter((event) => event.kind === 'segment')).toHaveLength(
          plan.segments.length,
        );
      });

      test('counts distinct values exactly, merged over segments by bit_or', async () => {
        const plan = enginePlan(kind);
        oracle = await openOracle(kind);
        const inputs = await nativeInputs(oracle, directory, plan);
        const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
        const cases = [
          { layout: 'products', keys: 'city, region', counted: 'count(DISTINCT product)' },
          { layout: 'products-by-region', keys: 'region', counted: 'count(DISTINCT product)' },
          {
            layout: 'many-shops',
            keys: 'region',
            counted: 'count(DISTINCT shop) FILTER (WHERE many)',
          },
        ];
        const covered = Object.values(segmentSql)
          .map((sql) => `(${sql})`)
          .join(' OR ');
        for (const { layout, keys, counted } of cases) {
          const parts = filesOf(events).filter((event) => event.layout === layout);
          const all = parts.map(({ file }) => `FROM ${parquet(file.file)}`).join(' UNION ALL ');
          const stored = await rowsOf(
            `SELECT ${keys}, sum(bit_count(word))::BIGINT AS n FROM (
               SELECT ${keys}, bucket, bit_or(bits) AS word FROM (${all}) GROUP BY ${keys}, bucket
             ) GROUP BY ${keys} ORDER BY ALL`,
          );
          const wanted = await rowsOf(
            `SELECT ${keys}, ${counted} AS n FROM flat WHERE ${covered} GROUP BY ${keys} HAVING n > 0 ORDER BY ALL`,
          );
          expect(stored, layout).toEqual(wanted);
        }
      });
    });

    test('describes each file as it is: rows, size, digest, checksum, order, statistics', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
      for (const { layout, file } of filesOf(events)) {
        const step = plan.layouts.find((candidate) => candidate.layout === layout)!;
        const bytes = await readFile(join(directory, 'out', file.file));
        expect(BigInt(bytes.length)).toBe(file.sizeBytes);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.fileDigest);
        const [facts] = await rowsOf(
          `SELECT count(*) AS n, ${checksumSql(step.columns)} AS sum FROM ${parquet(file.file)}`,
        );
        expect(JSON.parse(facts!)).toEqual({ n: Number(file.rowCount), sum: file.checksum });
        const keys = step.sortColumns.map(quoteName).join(', ');
        if (keys !== '') {
          const stored = await rowsOf(`SELECT ${keys} FROM ${parquet(file.file)}`);
          const sorted = await rowsOf(
            `SELECT ${keys} FROM ${parquet(file.file)} ORDER BY ${nullsLast(step)}`,
          );
          expect(stored).toEqual(sorted);
        }
        for (const column of file.columns.filter((candidate) => candidate.type.kind === 'text')) {
          if (column.role !== 'dimension') continue;
          const named = quoteName(column.name);
          const [range] = await rowsOf(
            `SELECT min(${named}) AS low, max(${named}) AS high, count(*) > count(${named}) AS nulls FROM ${parquet(file.file)}`,
          );
          expect(JSON.parse(range!)).toEqual({
            low: column.minimum ?? null,
            high: column.maximum ?? null,
            nulls: column.hasNulls,
          });
        }
      }
    });

    test('gives the same checksums from streams as from native files', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const native = await nativeInputs(oracle, directory, plan);
      const first = await Array.fromAsync(engine.build(requestOf(plan, native), signal));
      const streams = streamInputs(oracle, plan);
      const second = await Array.fromAsync(engine.build(requestOf(plan, streams), signal));
      expect(checksumsOf(second)).toEqual(checksumsOf(first));
    });

    test('merges segments to what building them as one gives', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
      const parts = (layout: string) =>
        filesOf(events).filter(
          (event) => event.layout === layout && event.segment.startsWith('2024'),
        );
      const merging = engine.merge(
        {
          segment: 'merged',
          layouts: plan.layouts.map((step) => ({
            step,
            files: parts(step.layout).map(({ file }) => join(directory, 'out', file.file)),
          })),
          outputDirectory: join(directory, 'out'),
          memoryLimitBytes: 512 << 20,
        },
        signal,
      );
      const merged = filesOf(await Array.fromAsync(merging));
      expect(merged).toHaveLength(plan.layouts.length);
      for (const { layout, file } of merged) {
        const step = plan.layouts.find((candidate) => candidate.layout === layout)!;
        if (step.kind === 'distinct') continue;
        const stored = await rowsOf(
          `SELECT ${rounded(step)} FROM ${parquet(file.file)} ORDER BY ALL`,
        );
        const both = `(${segmentSql['2024-01']} OR ${segmentSql['2024-02']})`;
        const wanted = await rowsOf(
          `SELECT ${rounded(step)} FROM (${groupedSql(step, both)}) ORDER BY ALL`,
        );
        expect(stored, layout).toEqual(wanted);
      }
    });

    test('gives the same from stored layouts as in one pass, with the source and without', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const whole = filesOf(await Array.fromAsync(engine.build(requestOf(plan, inputs), signal)));
      const stored: Record<string, Record<string, string>> = {};
      for (const { segment, layout, file } of whole) {
        stored[segment] = { ...stored[segment], [layout]: join(directory, 'out', file.file) };
      }
      const derived = plan.layouts.flatMap(({ parent, ...step }): LayoutStep[] => {
        const from = plan.layouts.find(({ layout }) => layout === parent);
        return from === undefined
          ? []
          : [{ ...step, stored: { layout: from.layout, columns: from.columns } }];
      });
      expect(derived.length).toBeGreaterThan(1);
      const ofSource = plan.layouts.filter(({ parent }) => parent === undefined);
      const again = { ...plan, layouts: [...ofSource, ...derived] };
      const without = { ...plan, inputs: [], joins: [], flat: [], dictionaries: [] };
      for (const [i, part] of [again, { ...without, layouts: derived }].entries()) {
        const request = {
          ...requestOf(part, i === 0 ? inputs : {}),
          stored,
          outputDirectory: join(directory, 'out', `again-${i}`),
        };
        const files = filesOf(await Array.fromAsync(engine.build(request, signal)));
        expect(files).toHaveLength(part.layouts.length * plan.segments.length);
        for (const { segment, layout, file } of files) {
          const step = plan.layouts.find((candidate) => candidate.layout === layout)!;
          const first = whole.find((one) => one.segment === segment && one.layout === layout)!;
          expect(file.rowCount).toBe(first.file.rowCount);
          const rows = (path: string) =>
            rowsOf(`SELECT ${rounded(step)} FROM ${parquet(path)} ORDER BY ALL`);
          const name = `${layout} of ${segment}`;
          expect(await rows(`again-${i}/${file.file}`), name).toEqual(await rows(first.file.file));
        }
      }
    });

    test('keeps ids of a dictionary and gives new values the next ones', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const first = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
      const before = dictionaryOf(first);
      await oracle.execute(
        `INSERT INTO sales SELECT 9999, DATE '2024-01-01', 'a new shop', 1, 1, 1, 1`,
      );
      const more = await nativeInputs(oracle, directory, plan);
      const second = await Array.fromAsync(
        engine.build(
          { ...requestOf(plan, more), dictionaries: { shop: join(directory, 'out', before.file) } },
          signal,
        ),
      );
      const after = dictionaryOf(second);
      expect(after.size).toBe(before.size + 1n);
      const kept = await rowsOf(
        `SELECT * FROM ${parquet(after.file)} WHERE id < ${before.size} ORDER BY id`,
      );
      expect(kept).toEqual(await rowsOf(`SELECT * FROM ${parquet(before.file)} ORDER BY id`));
      const [added] = await rowsOf(
        `SELECT * FROM ${parquet(after.file)} WHERE id = ${before.size}`,
      );
      expect(JSON.parse(added!)).toMatchObject({ value: 'a new shop' });
    });

    test('refuses a lookup whose key is not unique, naming a key, and ignores NULL keys', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      await oracle.execute(`INSERT INTO shops SELECT NULL, 'unknown', 1`);
      const valid = await nativeInputs(oracle, directory, plan);
      await expect(
        Array.fromAsync(engine.build(requestOf(plan, valid), signal)),
      ).resolves.toBeDefined();
      await oracle.execute(`INSERT INTO shops SELECT 's2', 'twice', 1`);
      const inputs = await nativeInputs(oracle, directory, plan);
      await expect(
        Array.fromAsync(engine.build(requestOf(plan, inputs), signal)),
      ).rejects.toMatchObject({
        reason: 'LOOKUP_NOT_UNIQUE',
        metadata: { alias: 'shops', key: 'code = s2', rows: '2' },
      });
    });

    test('builds from empty tables', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      await oracle.execute('DELETE FROM sales; DELETE FROM shops; DELETE FROM regions');
      const inputs = await nativeInputs(oracle, directory, plan);
      const events = await Array.fromAsync(engine.build(requestOf(plan, inputs), signal));
      expect(filesOf(events).map(({ file }) => file.rowCount)).toEqual(
        Array.from({ length: plan.layouts.length * plan.segments.length }, () => 0n),
      );
    });

    test('copies a lookup, sorted, with its checksum', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const columns = plan.inputs[1]!.columns.map((c) => ({ ...c, role: 'dimension' as const }));
      const outputFile = join(directory, 'out', 'shops-1.parquet');
      const request = {
        alias: 'shops',
        input: inputs['shops']!,
        columns,
        keys: ['code'],
        outputFile,
      };
      const result = await engine.snapshot(request, signal);
      expect(result.rowCount).toBe(7n);
      expect(await rowsOf(`SELECT * FROM ${quoteText(outputFile)}`)).toEqual(
        await rowsOf('SELECT * FROM shops ORDER BY code NULLS LAST'),
      );
      const [sum] = await rowsOf(`SELECT ${checksumSql(columns)} AS sum FROM shops`);
      expect(JSON.parse(sum!)).toEqual({ sum: result.checksum });
    });

    test('finds where a column begins and ends', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const column = { kind: 'column', type: type.date, relation: 'f', name: 'day' } as const;
      const request = { alias: 'f', input: inputs['f']!, column, memoryLimitBytes: 256 << 20 };
      expect(await engine.extent(request, signal)).toEqual({
        rowCount: 3000n,
        nullRows: 177n,
        minimum: 19723,
        maximum: 19797,
      });
    });

    test('finds where each group of values begins and ends, unless there are too many', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const column = { kind: 'column', type: type.date, relation: 'f', name: 'day' } as const;
      const by = call('extract', type.numeric, [lit.text('month'), column]);
      const ask = (most: number) =>
        engine.extent(
          {
            alias: 'f',
            input: inputs['f']!,
            column,
            groups: { by, most },
            memoryLimitBytes: 256 << 20,
          },
          signal,
        );
      const months = await rowsOf(
        `SELECT (min(day) - DATE '1970-01-01') AS minimum, (max(day) - DATE '1970-01-01') AS maximum FROM flat
         WHERE day IS NOT NULL GROUP BY month(day) ORDER BY 1`,
      );
      const found = await ask(3);
      expect(found).toMatchObject({ rowCount: 3000n, minimum: 19723, maximum: 19797 });
      expect(found.groups).toEqual(
        months.map((row) => {
          const { minimum, maximum } = JSON.parse(row);
          return { minimum: Number(minimum), maximum: Number(maximum) };
        }),
      );
      expect((await ask(2)).groups).toBeUndefined();
    });

    test('counts how often combinations occur', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const columnSets = [[], ['region'], ['city', 'product']];
      const request = { plan, inputs, columnSets, maxRows: 10_000, memoryLimitBytes: 256 << 20 };
      const { rowCount, sampledRows, frequencies } = await engine.sample(request, signal);
      expect([rowCount, sampledRows]).toEqual([3000n, 3000n]);
      for (const [i, set] of columnSets.entries()) {
        const by = set.length === 0 ? '' : `GROUP BY ${set.join(', ')}`;
        const wanted = await rowsOf(
          `SELECT n, count(*) AS m FROM (SELECT count(*) AS n FROM flat ${by}) GROUP BY n ORDER BY n`,
        );
        expect(frequencies[i]).toEqual(wanted.map((row) => Object.values(JSON.parse(row))));
      }
      const part = await engine.sample({ ...request, maxRows: 500 }, signal);
      expect(part.rowCount).toBe(3000n);
      expect(Number(part.sampledRows)).toBeGreaterThan(300);
      expect(Number(part.sampledRows)).toBeLessThan(700);
    });

    test('stops when cancelled', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      const abort = new AbortController();
      const building = (async () => {
        for await (const event of engine.build(requestOf(plan, inputs), abort.signal)) {
          if (event.kind === 'segment') abort.abort();
        }
      })();
      await expect(building).rejects.toMatchObject({ reason: 'BUILD_CANCELLED' });
    });

    test('reports a file that vanished as a changed source', async () => {
      const plan = enginePlan('left');
      oracle = await openOracle('left');
      const inputs = await nativeInputs(oracle, directory, plan);
      await rm(join(directory, 'sales.parquet'));
      await expect(
        Array.fromAsync(engine.build(requestOf(plan, inputs), signal)),
      ).rejects.toMatchObject({
        reason: 'SOURCE_CHANGED',
      });
    });
  });
}

const filesOf = (events: readonly BuildProgress[]): FileEvent[] =>
  events.filter((event) => event.kind === 'file');

const checksumsOf = (events: readonly BuildProgress[]) =>
  filesOf(events).map(({ segment, layout, file }) => [
    segment,
    layout,
    file.rowCount,
    file.checksum,
  ]);

const dictionaryOf = (events: readonly BuildProgress[]) =>
  events.find((event) => event.kind === 'dictionary')!;

/** Columns of a rows layout; sums of doubles to ten digits, since their last bits depend on the order of addition. */
function rounded(step: LayoutStep): string {
  return step.columns
    .map(({ name, type: { kind } }) =>
      kind === 'double' && step.kind === 'rows'
        ? `round(${quoteName(name)}, 6) + 0.0 AS ${quoteName(name)}`
        : quoteName(name),
    )
    .join(', ');
}

const wantedSql = (step: LayoutStep, segment: string) => groupedSql(step, segmentSql[segment]!);

function groupedSql(step: LayoutStep, where: string): string {
  const keys = step.dimensions.map(quoteName);
  const values = measures.map((measure) => `${measure.sql} AS ${quoteName(measure.column)}`);
  const by = keys.length === 0 ? 'HAVING count(*) > 0' : `GROUP BY ${keys.join(', ')}`;
  return `SELECT ${[...keys, ...values].join(', ')} FROM flat WHERE ${where} ${by}`;
}

const nullsLast = (step: LayoutStep) =>
  step.sortColumns.map((name) => `${quoteName(name)} NULLS LAST`).join(', ');
