import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTesseraError, type KeyValueStore } from '@tessera/base';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata, type MetadataDaemon } from './composition.ts';
import { cube, cubeSpec, inProcess, project, seed, segment } from './fixture.ts';
import { coverageKey } from './rules/coverage.ts';
import { openMemoryStore } from './store/memory-store.ts';
import { openSqliteStore } from './store/sqlite-store.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

type Rows = 'all' | 'null' | readonly [number, number];

const rows: fc.Arbitrary<Rows> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<Rows>('all', 'null') },
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.integer({ min: -6, max: 12 }), fc.integer({ min: 1, max: 6 }))
      .map(([start, length]) => [start, start + length] as const),
  },
);
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      made: fc.uniqueArray(fc.record({ id, rows }), {
        minLength: 1,
        maxLength: 3,
        selector: (one) => one.id,
      }),
      retire: fc.uniqueArray(id, { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retire' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('make ready' as const), id, rows }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  // A version that knows no entries publishes: it writes the segment, and leaves the key of the cube empty.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('older version' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start over' as const) }) },
);

function overlap(a: Rows, b: Rows): boolean {
  if (a === 'all' || b === 'all') return true;
  if (a === 'null' || b === 'null') return a === b;
  return a[0] < b[1] && b[0] < a[1];
}

function segmentOver(name: string, over: Rows, etag = ''): metadata.Segment {
  if (typeof over !== 'string') return segment(name, over[0], over[1], etag);
  return { ...segment(name, 0, 1, etag), range: { kind: { $case: over, value: {} } } };
}

describe.each(['memory', 'sqlite'] as const)('the READY segments of a cube, in %s', (driver) => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-coverage-'));
  let store: KeyValueStore;
  let daemon: MetadataDaemon;
  let clients: TesseraClient;
  beforeEach(async () => {
    const clock = new ManualClock();
    store =
      driver === 'memory'
        ? await openMemoryStore(clock)
        : await openSqliteStore({ file: join(folder, 'metadata.db'), clock });
    daemon = await composeMetadata({ store: { driver: 'memory' } }, { clock, store });
    clients = clientsBy(inProcess(daemon.services));
    await seed(clients);
  });
  afterEach(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('never overlap, and are refused only when they would, whatever was done to them before', async () => {
    const { segments } = clients;
    const nameOf = (one: string) => `${cube}/segments/${one}`;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        await clients.cubes.deleteCube({ name: cube, force: true });
        await clients.cubes.createCube({
          parent: project,
          cubeId: 'flights',
          cube: { spec: cubeSpec() },
        });
        /** All that is there, by id; READY or not. */
        const model = new Map<string, { rows: Rows; ready: boolean; etag: string }>();
        const others = (without: readonly string[]) =>
          [...model].filter(([one, { ready }]) => ready && !without.includes(one));
        const clashes = (made: readonly Rows[], without: readonly string[]) =>
          made.some((a, i) => made.some((b, j) => i < j && overlap(a, b))) ||
          made.some((a) => others(without).some(([, b]) => overlap(a, b.rows)));
        const outcome = async (work: Promise<unknown>) =>
          work.then(
            () => 'done',
            (error: unknown) => (isTesseraError(error) ? error.reason : String(error)),
          );
        for (const one of steps) {
          if (one.kind === 'publish') {
            const ids = one.made.map((made) => made.id);
            const retire = one.retire.filter((other) => model.has(other) && !ids.includes(other));
            const made = one.made.map((each) =>
              segmentOver(each.id, each.rows, model.get(each.id)?.etag),
            );
            const references = retire.map((name) => ({
              name: nameOf(name),
              etag: model.get(name)!.etag,
            }));
            const expected = clashes(
              one.made.map((each) => each.rows),
              [...ids, ...retire],
            );
            const published = segments.publishSegments({
              parent: cube,
              segments: made,
              retire: references,
            });
            expect(await outcome(published)).toBe(expected ? 'SEGMENTS_OVERLAP' : 'done');
            if (expected) continue;
            for (const each of one.made) model.set(each.id, { ...each, ready: true, etag: '' });
            for (const each of retire) model.get(each)!.ready = false;
          } else if (one.kind === 'make ready') {
            const changed = { ...segmentOver(one.id, one.rows), state: SEGMENT_STATE_READY };
            const expected = clashes([one.rows], [one.id]);
            const written = segments.updateSegment({ segment: changed, allowMissing: true });
            expect(await outcome(written)).toBe(expected ? 'SEGMENTS_OVERLAP' : 'done');
            if (!expected) model.set(one.id, { rows: one.rows, ready: true, etag: '' });
          } else if (one.kind === 'start over') {
            await store.transaction({
              success: [{ op: 'put', key: coverageKey(cube), value: new Uint8Array() }],
            });
          } else if (model.has(one.id)) {
            const found = model.get(one.id)!;
            if (one.kind === 'retire') {
              const retired = { name: nameOf(one.id), state: SEGMENT_STATE_RETIRED };
              await segments.updateSegment({ segment: retired, updateMask: ['state'] });
              found.ready = false;
            } else if (one.kind === 'delete') {
              await segments.deleteSegment({ name: nameOf(one.id) });
              model.delete(one.id);
            } else {
              const key = `/tessera/v1/segments/demo/flights/${one.id}`;
              const { entry } = await store.get(key);
              const retired = {
                ...metadata.Segment.decode(entry!.value),
                state: SEGMENT_STATE_RETIRED,
              };
              const value = metadata.Segment.encode(retired).finish();
              await store.transaction({ success: [{ op: 'put', key, value }] });
              found.ready = false;
            }
          }
          const { segments: all } = await segments.listSegments({ parent: cube });
          for (const { name, etag, state } of all) {
            const found = model.get(name.split('/').at(-1)!)!;
            expect(state === SEGMENT_STATE_READY).toBe(found.ready);
            found.etag = etag;
          }
        }
        const { problems } = await clients.maintenance.checkStore({});
        const real = problems.filter(({ remedy }) => remedy !== 'delete');
        expect(real).toEqual([]);
      }),
      { numRuns: driver === 'memory' ? 150 : 30, seed: 11 },
    );
  });

  test('are not all read to publish one more', async () => {
    const { segments } = clients;
    const days = Array.from({ length: 400 }, (_, i) => segment(`d${i}`, 2 * i, 2 * i + 1));
    await segments.publishSegments({ parent: cube, segments: days });
    const read: number[] = [];
    const { list } = store;
    store.list = async (...given: Parameters<typeof list>) => {
      const page = await list.apply(store, given);
      read.push(page.entries.length);
      return page;
    };
    await segments.publishSegments({ parent: cube, segments: [segment('between', 101, 102)] });
    expect(read.reduce((sum, entries) => sum + entries, 0)).toBeLessThan(20);
  });
});
