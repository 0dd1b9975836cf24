import {
  clientsBy,
  connect,
  explain,
  query,
  queryStream,
  type TesseraClient,
} from '@tessera/client';
import { bindInProcess, silentLogger, startServer } from '@tessera/daemon';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cubeName, startTrips, type Trips } from '../testing/trips.ts';

let trips: Trips;
const stack = new AsyncDisposableStack();
const clients: Record<string, TesseraClient> = {};
beforeAll(async () => {
  trips = stack.use(await startTrips());
  const { services } = trips.daemon;
  const server = stack.use(
    await startServer({ address: '127.0.0.1:0', services, log: silentLogger }),
  );
  clients['gRPC'] = stack.use(connect(server.address));
  clients['in process'] = clientsBy(() => bindInProcess(services[0]!, silentLogger) as never);
});
afterAll(() => stack.disposeAsync());

describe.each(['gRPC', 'in process'])('the query service over %s', (way) => {
  const queries = () => clients[way]!.queries;

  test('streams header, batches and summary', async () => {
    const sql = 'select carrier, count(*) as n from trips group by carrier order by carrier';
    const stream = await queryStream(queries(), sql);
    expect(stream.schema.map(({ name }) => name)).toEqual(['carrier', 'n']);
    let rows = 0;
    for await (const batch of stream) rows += batch.rowCount;
    expect(rows).toBe(3);
    const summary = stream.summary();
    expect(summary).toMatchObject({ rowCount: 3n, planKind: 'mixed' });
    expect(summary.coverage.blocks[0]!.segments).toEqual(['m1', 'm2']);
  });

  test('gives errors with their reason and position', async () => {
    await expect(query(queries(), 'select\n nothing from trips')).rejects.toMatchObject({
      reason: 'UNKNOWN_COLUMN',
      metadata: { line: '2', column: '2' },
    });
  });

  test('explains without running', async () => {
    const scans = trips.scanner.scans.length;
    const explained = await explain(queries(), 'select carrier, count(*) from trips group by 1');
    expect(explained.planKind).toBe('mixed');
    expect(explained.blocks[0]!.candidates.some(({ taken }) => taken)).toBe(true);
    expect(explained.text).toContain('Block 1');
    expect(trips.scanner.scans).toHaveLength(scans);
  });

  test('refuses rather than reads the source when told to', async () => {
    const sql = 'select carrier, count(*) from trips group by carrier';
    await expect(query(queries(), sql, { useCuboids: 'always' })).rejects.toMatchObject({
      reason: 'PARTIAL_COVERAGE',
    });
  });

  test('lists and cancels what runs', async () => {
    const queryId = `long-${way}`;
    const sql =
      'select count(*) from trips a, trips b, trips c, trips d where a.delay + b.delay + c.delay + d.delay = 7';
    const running = expect(query(queries(), sql, { queryId })).rejects.toMatchObject({
      reason: 'QUERY_CANCELLED',
    });
    await expect
      .poll(async () => (await queries().listQueries({})).queries.map((q) => q.queryId))
      .toContain(queryId);
    await queries().cancelQuery({ queryId });
    await running;
    expect((await queries().listQueries({})).queries).toEqual([]);
  });

  test('lists tables page by page, and previews one', async () => {
    const first = await queries().listTables({ pageSize: 1 });
    const second = await queries().listTables({ pageSize: 1, pageToken: first.nextPageToken });
    const names = [...first.tables, ...second.tables].map(({ name }) => name);
    expect(names).toEqual(['airports', 'trips']);
    expect(second.nextPageToken).toBe('');
    const preview = await queries().previewTable({ source: 'files', table: 'trips', maxRows: 3 });
    expect(preview.batches[0]!.rowCount).toBe(3n);
    await expect(queries().previewTable({ source: 'files', table: 'trip' })).rejects.toMatchObject({
      reason: 'TABLE_NOT_FOUND',
    });
  });

  test('lists the freshness of segments, page by page', async () => {
    const parent = 'projects/default/cubes/-';
    const first = await queries().listSegmentFreshness({ parent, pageSize: 1 });
    const { nextPageToken: pageToken } = first;
    const second = await queries().listSegmentFreshness({ parent, pageSize: 1, pageToken });
    const names = [...first.segments, ...second.segments].map(({ segment }) => segment);
    expect(names).toEqual([`${cubeName}/segments/m1`, `${cubeName}/segments/m2`]);
    const other = { parent: 'projects/default/cubes/other' };
    expect((await queries().listSegmentFreshness(other)).segments).toEqual([]);
    const bad = { parent: 'cubes/trips' };
    await expect(queries().listSegmentFreshness(bad)).rejects.toMatchObject({
      reason: 'BAD_RESOURCE_NAME',
    });
  });

  test('tells what was asked, by shape', async () => {
    for (const limit of [1, 2]) {
      await query(queries(), `select origin, sum(delay) from trips group by origin limit ${limit}`);
    }
    const { shapes } = await queries().getQueryStatistics({ model: 'trips' });
    const shape = shapes.find(({ sql }) => sql.endsWith('group by origin limit ?'));
    expect(shape!.count).toBeGreaterThanOrEqual(2n);
    expect(shape!.blocks[0]).toMatchObject({ model: 'trips', dimensions: ['origin'] });
  });
});
