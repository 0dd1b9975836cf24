import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { cubeSpecToProto, modelSpecToProto, segmentToProto } from '@tessera/client';
import type { ModelSpec, ModelState, SourceExtent } from '@tessera/cube';
import { silentLogger } from '@tessera/daemon';
import { loadParser } from '@tessera/sql';
import { ManualClock } from '@tessera/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { FakeMetadata } from '../testing/fake-metadata.ts';
import { Catalog } from './catalog.ts';
import { MetadataView } from './metadata-view.ts';
import type { CatalogSnapshot } from './snapshot.ts';
import type { ReadExtent } from './source-extents.ts';

beforeAll(() => loadParser());

const freshnessIntervalMs = 1_000;
const extent: SourceExtent = { empty: false, minimum: 0n, maximum: 1n, hasNulls: false };

const spec = (columns: readonly string[]): ModelSpec => ({
  fact: { source: 'files', table: 'w', alias: 'w' },
  joins: [],
  partition: { column: 'w.d', grain: 'month' },
  dimensions: columns.map((column) => ({ name: column, column: `w.${column}` })),
  hierarchies: [],
  computedColumns: [],
  measures: [{ name: 'rows', aggregate: 'count' }],
});

/** A catalog over two files, w and v, of which no model is made at first. */
class Files implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'tessera-catalog-'));
  readonly w = join(this.directory, 'w.csv');
  readonly v = join(this.directory, 'v.csv');
  readonly metadata = new FakeMetadata();
  readonly clock = new ManualClock();
  readonly signal = AbortSignal.timeout(60_000);
  readonly extents: CatalogSnapshot[] = [];
  readExtent: ReadExtent = async () => extent;
  readonly view: MetadataView;
  readonly catalog: Catalog;

  constructor() {
    writeFileSync(this.w, 'd,x\n2024-01-01,1\n2024-01-02,2\n');
    writeFileSync(this.v, 'y\n1\n');
    const config = { tables: { w: { path: 'w.csv' }, v: { path: 'v.csv' } } };
    const connector = '@tessera/connector-files';
    const name = 'projects/p/sources/files';
    this.metadata.put('sources', { name, connector, config, baseDirectory: this.directory });
    this.view = new MetadataView(this.metadata.client, this.clock, silentLogger);
    this.catalog = new Catalog({
      metadata: this.view,
      options: {
        freshnessIntervalMs,
        versionTimeoutMs: 10_000,
        workDirectory: join(this.directory, 'work'),
        pluginDirectory: import.meta.dirname,
      },
      clock: this.clock,
      log: silentLogger,
      readExtent: (model, snapshot) => {
        this.extents.push(snapshot);
        return this.readExtent(model, snapshot);
      },
    });
  }

  putModel(columns: readonly string[]): void {
    this.metadata.put('models', {
      name: 'projects/p/models/w',
      spec: modelSpecToProto(spec(columns)),
    });
  }

  /** A cube of the model with one segment, without layouts. */
  putSegment(): void {
    const cube = 'projects/p/cubes/w';
    const segments = { every: 'month' as const, autoMerge: [] };
    const cubeSpec = { model: 'w', groups: [], cuboids: [['x']], segments };
    this.metadata.put('cubes', { name: cube, spec: cubeSpecToProto(cubeSpec) });
    const segment = {
      id: 'null',
      range: { kind: 'null' as const },
      state: 'READY' as const,
      layouts: [],
      snapshots: {},
      sourceVersions: {},
      modelRevision: 1n,
      sourceRows: 0n,
      rejectedRows: 0n,
      builtAt: 0n,
      unmatchedRows: {},
    };
    this.metadata.put('segments', segmentToProto(segment, cube));
  }

  /** As the catalog has it with all that was put. */
  now(): Promise<CatalogSnapshot> {
    return this.catalog.renew('p', this.signal);
  }

  /** As the catalog has it as soon as it may have noticed a change. */
  async later(): Promise<CatalogSnapshot> {
    await this.clock.advance(freshnessIntervalMs);
    return this.catalog.current('p', this.signal);
  }

  /** Of the one model. */
  stateOf({ models, stateOf }: CatalogSnapshot): Promise<ModelState> {
    return stateOf(models[0]!, this.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.catalog[Symbol.asyncDispose]();
    await this.view[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function columnsOf({ tables }: CatalogSnapshot, table: string): string[] {
  const { columns } = tables.find(table, 'files')!;
  return columns.map(({ name, type }) => `${name} ${type.kind}`);
}

describe('a table that no model names', () => {
  test('has the version that its columns were read at, by which a statement notices newer data', async () => {
    await using files = new Files();
    const { versions, sources } = await files.catalog.current('p', files.signal);
    const { connector } = sources.get('files')!;
    expect(versions.get('files.w')).toEqual(await connector.version('w', files.signal));
  });

  test('has its new columns once it is read again', async () => {
    await using files = new Files();
    const before = await files.catalog.current('p', files.signal);
    appendFileSync(files.w, '2024-01-03,2.7\n');
    const after = await files.catalog.reread('p', files.signal, 'files');
    expect(columnsOf(before, 'w')).toEqual(['d date', 'x integer']);
    expect(columnsOf(after, 'w')[1]).not.toBe('x integer');
    expect(after.versions.get('files.w')).not.toEqual(before.versions.get('files.w'));
  });

  test('leaves the snapshot as it is when reading it again finds nothing new', async () => {
    await using files = new Files();
    const before = await files.catalog.current('p', files.signal);
    expect(await files.catalog.reread('p', files.signal)).toBe(before);
    expect(await files.later()).toBe(before);
  });
});

describe('a table that a model names', () => {
  test('has its new columns after the interval, although nothing is built', async () => {
    await using files = new Files();
    files.putModel(['x']);
    await files.now();
    writeFileSync(files.w, 'd,x,z\n2024-01-01,1,5\n');
    expect(columnsOf(await files.later(), 'w')).toContain('z integer');
  });

  test('has its new columns when the metadata have changed with it', async () => {
    await using files = new Files();
    files.putModel(['x']);
    await files.now();
    writeFileSync(files.w, 'd,x,z\n2024-01-01,1,5\n');
    files.putModel(['x', 'z']);
    const { models, modelFailures } = await files.now();
    expect(modelFailures).toEqual([]);
    expect(models[0]!.dimensions.map(({ name }) => name)).toEqual(['x', 'z']);
  });

  test('is followed also while the model does not fit it', async () => {
    await using files = new Files();
    files.putModel(['x', 'z']);
    const { modelFailures } = await files.now();
    expect(modelFailures.map(({ model }) => model)).toEqual(['w']);
    writeFileSync(files.w, 'd,x,z\n2024-01-01,1,5\n');
    expect((await files.later()).modelFailures).toEqual([]);
  });

  test('keeps its columns while a file of its source is away, and has the new ones once that is back', async () => {
    await using files = new Files();
    files.putModel(['x']);
    await files.now();
    rmSync(files.v);
    writeFileSync(files.w, 'd,x,z\n2024-01-01,1,5\n');
    const away = await files.later();
    expect(columnsOf(away, 'w')).toEqual(['d date', 'x integer']);
    expect(away.sourceFailures.get('files')?.reason).toBe('CATALOG_UNREADABLE');
    writeFileSync(files.v, 'y\n1\n');
    const back = await files.later();
    expect(columnsOf(back, 'w')).toContain('z integer');
    expect(back.sourceFailures.size).toBe(0);
  });
});

describe('a statement that comes while a snapshot is being made', () => {
  test('is not answered by data from longer ago than the interval', async () => {
    await using files = new Files();
    files.readExtent = () => Promise.reject(new Error('away'));
    files.putModel(['x']);
    files.putSegment();
    await files.stateOf(await files.now());
    const reading = Promise.withResolvers<void>();
    const read = Promise.withResolvers<SourceExtent>();
    files.readExtent = () => {
      reading.resolve();
      return read.promise;
    };
    const early = files.later(); // It tries to read the extent again.
    await reading.promise;
    appendFileSync(files.w, '2024-01-03,3\n');
    await files.clock.advance(freshnessIntervalMs);
    const late = files.catalog.current('p', files.signal);
    await setImmediate(); // It waits for what the first one waits for.
    read.resolve(extent);
    const { sources } = await late;
    const now = await sources.get('files')!.connector.version('w', files.signal);
    expect((await early).versions.get('files.w')).not.toEqual(now);
    expect((await late).versions.get('files.w')).toEqual(now);
  });
});

describe('the extent of a built model', () => {
  test('is read by the versions of now when data and metadata have changed together', async () => {
    await using files = new Files();
    files.putModel(['x']);
    await files.now();
    appendFileSync(files.w, '2024-02-01,3\n');
    files.putSegment();
    const snapshot = await files.now();
    const { sources } = snapshot;
    const { cubes } = await files.stateOf(snapshot);
    const now = await sources.get('files')!.connector.version('w', files.signal);
    expect(files.extents.map(({ versions }) => versions.get('files.w'))).toEqual([now]);
    expect(cubes[0]!.sourceExtent).toEqual(extent);
  });

  test('is tried again after each interval, and only once it is known there is another snapshot', async () => {
    await using files = new Files();
    files.readExtent = () => Promise.reject(new Error('away'));
    files.putModel(['x']);
    files.putSegment();
    const without = await files.now();
    expect((await files.stateOf(without)).cubes[0]).not.toHaveProperty('sourceExtent');
    expect((await files.stateOf(without)).cubes[0]).not.toHaveProperty('sourceExtent');
    expect(await files.catalog.current('p', files.signal)).toBe(without);
    expect(files.extents).toHaveLength(1);
    expect(await files.later()).toBe(without);
    expect(files.extents).toHaveLength(2);
    files.readExtent = async () => extent;
    const known = await files.later();
    expect(known).not.toBe(without);
    expect((await files.stateOf(known)).cubes[0]!.sourceExtent).toEqual(extent);
    await files.later();
    expect(files.extents.length).toBeLessThanOrEqual(4);
  });
});
