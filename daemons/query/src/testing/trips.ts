import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, systemClock } from '@tessera/base';
import {
  cubeSpecToProto,
  layoutColumnToProto,
  modelSpecToProto,
  segmentToProto,
} from '@tessera/client';
import {
  type CubeSpec,
  type ModelSpec,
  resolveModel,
  type SegmentRange,
  type SourceVersion,
  wantedLayouts,
} from '@tessera/cube';
import { externalCatalog, SourceRegistry, silentLogger } from '@tessera/daemon';
import { DuckDb, sessionSettings } from '@tessera/duckdb';
import { loadParser } from '@tessera/sql';
import { type Meter, noMeter } from '@tessera/telemetry';
import { OnlyScanner } from '../broadcast/only-scanner.ts';
import { composeQuery, type QueryDaemon } from '../composition.ts';
import type { QueryConfig } from '../config.ts';
import { FakeMetadata } from './fake-metadata.ts';
import { TableScanner } from './table-scanner.ts';

const spec: ModelSpec = {
  fact: { source: 'files', table: 'trips', alias: 't' },
  joins: [{ table: 'airports', alias: 'a', on: 't.origin = a.iata', kind: 'left' }],
  partition: { column: 't.day', grain: 'month' },
  dimensions: [
    { name: 'day', column: 't.day' },
    { name: 'origin', column: 't.origin' },
    { name: 'carrier', column: 't.carrier' },
    { name: 'state', column: 'a.state' },
  ],
  hierarchies: [],
  computedColumns: [],
  measures: [
    { name: 'trips', aggregate: 'count' },
    { name: 'delay', aggregate: 'sum', column: 't.delay' },
    { name: 'mean_delay', aggregate: 'avg', column: 't.delay' },
    { name: 'worst', aggregate: 'max', column: 't.delay' },
    { name: 'best', aggregate: 'min', column: 't.delay' },
    { name: 'price', aggregate: 'sum', column: 't.price' },
    { name: 'mean_price', aggregate: 'avg', column: 't.price' },
  ],
};

const cube: CubeSpec = {
  model: 'trips',
  groups: [],
  cuboids: [['day', 'origin', 'carrier', 'state'], ['day', 'state'], ['carrier']],
  segments: { every: 'month', autoMerge: [] },
};

const snapshotId = 's1';
const month = (number: number): SegmentRange => ({
  kind: 'range',
  start: BigInt(Date.UTC(2024, number - 1, 1)) * 1_000n,
  end: BigInt(Date.UTC(2024, number, 1)) * 1_000n,
});

/** Ten columns' worth of everything that makes answers differ: NULLs, skew, keys without partner, negative numbers. */
export function tripLines(count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const lines = ['day,origin,carrier,delay,price'];
  for (let i = 0; i < count; i++) {
    const day =
      random.next() < 0.03
        ? ''
        : `2024-0${random.integer(1, 3)}-${String(random.integer(1, 28)).padStart(2, '0')}`;
    const origin = random.next() < 0.05 ? '' : random.pick(['AAA', 'BBB', 'CCC', 'DDD', 'ZZZ']);
    const delay = random.next() < 0.1 ? '' : random.integer(-20, 200);
    lines.push(
      `${day},${origin},${random.pick(['X', 'Y', 'Z'])},${delay},${random.integer(1, 99_999) / 100}`,
    );
  }
  return lines;
}

export interface Trips extends AsyncDisposable {
  readonly daemon: QueryDaemon;
  readonly metadata: FakeMetadata;
  readonly scanner: TableScanner;
  readonly tripsFile: string;
  readonly airportsFile: string;
}

/** A query daemon over CSV files of trips, whose cube is built for January and February 2024. */
export async function startTrips(
  config: Partial<QueryConfig> = {},
  meter: Meter = noMeter,
): Promise<Trips> {
  await loadParser();
  const directory = mkdtempSync(join(tmpdir(), 'tessera-query-'));
  const tripsFile = join(directory, 'trips.csv');
  writeFileSync(tripsFile, tripLines(600, 7).join('\n'));
  const airportsFile = join(directory, 'airports.csv');
  writeFileSync(airportsFile, 'iata,state\nAAA,CA\nBBB,CA\nCCC,TX\nDDD,\n');
  const stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const duckdb = stack.use(await DuckDb.open({ onConnect: sessionSettings() }));
  const scanner = new TableScanner(duckdb);
  const told = new OnlyScanner('in process', scanner, systemClock);
  const metadata = new FakeMetadata();
  const source = {
    name: 'projects/default/sources/files',
    connector: '@tessera/connector-files',
    config: {
      tables: {
        trips: { path: 'trips.csv', columns: { price: 'numeric(10,2)' } },
        airports: { path: 'airports.csv' },
      },
    },
    baseDirectory: directory,
  };
  metadata.put('sources', source);
  metadata.put('models', {
    name: 'projects/default/models/trips',
    spec: modelSpecToProto(spec),
  });
  metadata.put('cubes', { name: cubeName, spec: cubeSpecToProto(cube) });
  mkdirSync(join(directory, 'work'));
  await using registry = new SourceRegistry({
    log: silentLogger,
    workDirectory: join(directory, 'work', 'build'),
    fallbackDirectory: import.meta.dirname,
  });
  const opened = await registry.open({
    ...source,
    name: 'files',
    use: source.connector,
    etag: '1',
  });
  const model = resolveModel('trips', 1n, spec, externalCatalog([opened]));
  const versions: Record<string, SourceVersion> = {};
  for (const { name } of opened.tables) {
    versions[`files.${name}`] = await opened.connector.version(name, AbortSignal.timeout(10_000));
    await duckdb.execute(
      `CREATE TABLE ${name} AS FROM read_csv('${join(directory, `${name}.csv`)}', header = true${name === 'trips' ? ", types = {'price': 'DECIMAL(10,2)'}" : ''})`,
    );
  }
  const { columns } = model.lookups[0]!;
  metadata.put('snapshots', {
    name: `projects/default/snapshots/${snapshotId}`,
    model: 'projects/default/models/trips',
    alias: 'a',
    columns: columns.map((column) => layoutColumnToProto({ ...column, role: 'dimension' })),
    rowCount: 4n,
    sizeBytes: 100n,
    rejectedRows: 0n,
  });
  await duckdb.execute(`CREATE TABLE ${snapshotId} AS FROM airports`);
  const from = 'trips AS t LEFT JOIN airports AS a ON t.origin = a.iata';
  for (const number of [1, 2]) {
    const layouts = wantedLayouts(model, cube);
    for (const layout of layouts)
      await scanner.build(model, layout, `m${number}`, month(number), from);
    const segment = {
      id: `m${number}`,
      range: month(number),
      state: 'READY' as const,
      layouts: layouts.map((layout) => ({
        ...layout,
        rowCount: BigInt(10 ** layout.dimensions.length),
        sizeBytes: 1_000n,
        checksum: '',
        fileDigest: `${layout.id}@m${number}`,
        file: '',
      })),
      snapshots: { a: snapshotId },
      sourceVersions: versions,
      modelRevision: model.revision,
      sourceRows: 0n,
      rejectedRows: 0n,
      builtAt: systemClock.now(),
      unmatchedRows: { a: 1n },
    };
    metadata.put('segments', segmentToProto(segment, cubeName));
  }
  const daemon = stack.use(
    await composeQuery(
      {
        workDirectory: join(directory, 'work'),
        pluginDirectory: import.meta.dirname,
        freshnessIntervalMs: 0,
        ...config,
      },
      { client: metadata.client, scanner: told, snapshots: scanner, meter },
    ),
  );
  return {
    ...{ daemon, metadata, scanner, tripsFile, airportsFile },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export const cubeName = 'projects/default/cubes/trips';
