import { isTesseraError } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  collectUntil,
  cube,
  cubeSpec,
  type Fixture,
  modelSpec,
  project,
  seed,
  segment,
  startFixture,
} from './fixture.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

describe('publishing segments', () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await startFixture();
    await seed(fixture.clients);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());
  const publish = (...segments: metadata.Segment[]) =>
    fixture.clients.segments.publishSegments({ parent: cube, segments });
  const ready = async () => {
    const states = [SEGMENT_STATE_READY];
    const { segments } = await fixture.clients.segments.listSegments({ parent: cube, states });
    return segments.map(({ name }) => name.split('/').at(-1));
  };
  const reference = ({ name, etag }: metadata.Segment) => ({ name, etag });

  test('replaces old ones by a new one in one revision, together with its copies', async () => {
    const { segments, snapshots, dictionaries } = fixture.clients;
    const first = await publish(segment('jan', 0, 31), segment('feb', 31, 59));
    const watching = segments.watchSegments({ parent: cube, startRevision: first.revision + 1n });
    const merged = { ...segment('winter', 0, 59), snapshots: { origin: 'airports-2' } };
    const response = await segments.publishSegments({
      parent: cube,
      segments: [merged],
      retire: first.segments.map(reference),
      snapshots: [{ name: `${project}/snapshots/airports-2`, rowCount: 3n }],
      dictionaries: [{ name: `${project}/dictionaries/tails-1`, version: 1n }],
    });
    expect(await ready()).toEqual(['winter']);
    const events = await collectUntil(watching, response.revision);
    expect(events.map(({ revision }) => revision)).toEqual(Array(3).fill(response.revision));
    const made = await snapshots.getSnapshot({ name: `${project}/snapshots/airports-2` });
    const ids = await dictionaries.getDictionary({ name: `${project}/dictionaries/tails-1` });
    expect([made.revision, ids.revision]).toEqual([response.revision, response.revision]);
    const retired = await segments.getSegment({ name: `${cube}/segments/jan` });
    expect(retired.state).toBe(SEGMENT_STATE_RETIRED);
    expect(retired.retireTime).toBeDefined();
  });

  test('as a step of an operation does nothing once that has ended, however late it arrives', async () => {
    const { segments, leases, operationRecords } = fixture.clients;
    const lease = 'leases/scheduler';
    const ttl = { seconds: 60n, nanos: 0 };
    const { fencingToken: token } = await leases.acquireLease({ name: lease, holder: 'a', ttl });
    const operation = 'operations/build';
    const step = (id: string, day: number) =>
      segments.publishSegments({
        parent: cube,
        segments: [segment(id, day, day + 1)],
        fence: { lease, token, operation },
      });
    await expectReason(step('early', 0), 'OPERATION_ENDED');
    await operationRecords.createOperationRecord({ operationRecordId: 'build' });
    await step('one', 1);
    const endTime = { seconds: 1n, nanos: 0 };
    await operationRecords.updateOperationRecord({ operationRecord: { name: operation, endTime } });
    await expectReason(step('late', 2), 'OPERATION_ENDED');
    await operationRecords.deleteOperationRecord({ name: operation });
    await expectReason(step('later', 3), 'OPERATION_ENDED');
    expect(await ready()).toEqual(['one']);
    expect((await fixture.clients.maintenance.checkStore({})).problems).toEqual([]);
  });

  test('with any stale etag does nothing at all', async () => {
    const { segments, snapshots } = fixture.clients;
    const first = await publish(segment('jan', 0, 31), segment('feb', 31, 59));
    const feb = first.segments[1]!;
    await segments.updateSegment({ segment: { ...feb, sourceRows: 7n } });
    const request = {
      parent: cube,
      segments: [segment('winter', 0, 59)],
      retire: first.segments.map(reference),
      snapshots: [{ name: `${project}/snapshots/s` }],
    };
    await expectReason(segments.publishSegments(request), 'SEGMENT_CHANGED');
    await expectReason(publish(segment('jan', 0, 31)), 'SEGMENT_CHANGED');
    await expectReason(publish(segment('new', 90, 91, '17')), 'SEGMENT_CHANGED');
    expect(await ready()).toEqual(['feb', 'jan']);
    await expectReason(
      snapshots.getSnapshot({ name: `${project}/snapshots/s` }),
      'SNAPSHOT_NOT_FOUND',
    );
  });

  test('never gives two READY segments the same rows', async () => {
    const { segments } = fixture.clients;
    await publish(segment('jan', 0, 31));
    await expectReason(publish(segment('mid', 15, 45)), 'SEGMENTS_OVERLAP');
    await expectReason(publish(segment('a', 40, 50), segment('b', 49, 60)), 'SEGMENTS_OVERLAP');
    const all = { ...segment('all', 0, 1), range: { kind: { $case: 'all' as const, value: {} } } };
    await expectReason(publish(all), 'SEGMENTS_OVERLAP');
    const none = {
      ...segment('none', 0, 1),
      range: { kind: { $case: 'null' as const, value: {} } },
    };
    await publish(none, segment('feb', 31, 59));
    await expectReason(publish({ ...none, name: `${cube}/segments/none2` }), 'SEGMENTS_OVERLAP');
    const building = await segments.createSegment({
      parent: cube,
      segmentId: 'dup',
      segment: segment('dup', 0, 31),
    });
    await expectReason(
      segments.updateSegment({
        segment: { ...building, state: SEGMENT_STATE_READY },
        updateMask: ['state'],
      }),
      'SEGMENTS_OVERLAP',
    );
    expect(await ready()).toEqual(['feb', 'jan', 'none']);
  });

  test('is done once for one request id', async () => {
    const { segments } = fixture.clients;
    const request = {
      parent: cube,
      segments: [segment('jan', 0, 31)],
      requestId: 'operation-1/publish',
    };
    const first = await segments.publishSegments(request);
    await segments.updateSegment({ segment: { ...first.segments[0]!, sourceRows: 99n } });
    expect(await segments.publishSegments(request)).toEqual(first);
    await expectReason(
      segments.publishSegments({ ...request, segments: [segment('feb', 31, 59)] }),
      'REQUEST_ID_REUSED',
    );
  });

  test('refuses a copy that differs from the one of that name', async () => {
    const { segments } = fixture.clients;
    const name = `${project}/snapshots/s`;
    const parent = cube;
    await segments.publishSegments({ parent, snapshots: [{ name, fileDigest: 'a' }] });
    await segments.publishSegments({ parent, snapshots: [{ name, fileDigest: 'a' }] });
    await expectReason(
      segments.publishSegments({ parent, snapshots: [{ name, fileDigest: 'b' }] }),
      'SNAPSHOT_DIFFERS',
    );
  });

  test('takes place under the newest lease only', async () => {
    const { segments, leases, operationRecords } = fixture.clients;
    const lease = 'leases/scheduler';
    const ttl = { seconds: 10n, nanos: 0 };
    const first = await leases.acquireLease({ name: lease, holder: 'one', ttl });
    const fence = { lease, token: first.fencingToken };
    await segments.publishSegments({ parent: cube, segments: [segment('jan', 0, 31)], fence });
    await fixture.clock.advance(11_000);
    const request = { parent: cube, segments: [segment('feb', 31, 59)], fence };
    await expectReason(segments.publishSegments(request), 'FENCED');
    await leases.acquireLease({ name: lease, holder: 'two', ttl });
    await expectReason(segments.publishSegments(request), 'FENCED');
    await expectReason(
      operationRecords.createOperationRecord({
        operationRecordId: 'o',
        operationRecord: {},
        fence,
      }),
      'FENCED',
    );
    await expectReason(
      segments.publishSegments({ ...request, fence: { lease: 'leases/none', token: 0n } }),
      'FENCED',
    );
    expect(await ready()).toEqual(['jan']);
  });

  test('is refused when the cube or its model is not what the segments were built for', async () => {
    const { segments, models, cubes } = fixture.clients;
    const model = `${project}/models/flights`;
    const [wasCube, wasModel] = await Promise.all([
      cubes.getCube({ name: cube }),
      models.getModel({ name: model }),
    ]);
    const builtFor = { cubeEtag: wasCube.etag, model, modelEtag: wasModel.etag };
    await segments.publishSegments({ parent: cube, segments: [segment('a', 0, 31)], builtFor });
    await models.updateModel({
      model: { name: model, spec: modelSpec({ timeZone: 'Asia/Tokyo' }) },
    });
    const { etag } = await models.getModel({ name: model });
    await cubes.updateCube({
      cube: { name: cube, spec: cubeSpec({ cuboids: [{ names: ['day'] }] }) },
    });
    for (const other of [
      builtFor,
      { ...builtFor, modelEtag: etag },
      { ...builtFor, cubeEtag: (await cubes.getCube({ name: cube })).etag },
      { ...builtFor, modelEtag: '', cubeEtag: '' },
      { ...builtFor, model: `${project}/models/none` },
    ]) {
      const request = { parent: cube, segments: [segment('b', 31, 59)], builtFor: other };
      await expectReason(segments.publishSegments(request), 'MODEL_CHANGED');
    }
    expect(await ready()).toEqual(['a']);
  });

  test('never takes place after a change of the model that it races with', async () => {
    const { segments, models } = fixture.clients;
    const model = `${project}/models/flights`;
    const { etag: cubeEtag } = await fixture.clients.cubes.getCube({ name: cube });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.nat(30), async (first, second) => {
        const id = round++;
        const { etag: modelEtag } = await models.getModel({ name: model });
        const later = async <T>(turns: number, work: () => Promise<T>) => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          return work();
        };
        const spec = modelSpec({ timeZone: id % 2 === 0 ? 'Asia/Tokyo' : 'UTC' });
        const request = {
          parent: cube,
          segments: [segment(`s${id}`, id, id + 1)],
          builtFor: { cubeEtag, model, modelEtag },
        };
        const [published, changed] = await Promise.allSettled([
          later(first, () => segments.publishSegments(request)),
          later(second, () => models.updateModel({ model: { name: model, spec } })),
        ]);
        expect(changed.status).toBe('fulfilled');
        if (published.status === 'rejected') {
          expect(published.reason.reason).toBe('MODEL_CHANGED');
        } else if (changed.status === 'fulfilled') {
          expect(published.value.revision).toBeLessThan(changed.value.revision);
        }
      }),
      { numRuns: 60, seed: 6 },
    );
  });

  test('by many at once is all or nothing each, and never overlaps', async () => {
    const publication = fc.record({
      /** Weeks that the new segment covers; what is READY in them is retired. */
      start: fc.nat(11),
      length: fc.integer({ min: 1, max: 4 }),
      delay: fc.nat(12),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(publication, { minLength: 2, maxLength: 8 }),
        async (publications) => {
          const before = await fixture.clients.segments.listSegments({ parent: cube });
          const startRevision = before.revision + 1n;
          const id = round++;
          const outcomes = await Promise.all(
            publications.map(async ({ start, length, delay }, i) => {
              for (let turn = 0; turn < delay; turn++) await Promise.resolve();
              return replaceWeeks(fixture, `r${id}-${i}`, start, start + length);
            }),
          );
          expect(outcomes.some((outcome) => outcome.published)).toBe(true);
          const after = await fixture.clients.segments.listSegments({
            parent: cube,
            pageSize: 1000,
          });
          const events = await collectUntil(
            fixture.clients.segments.watchSegments({ parent: cube, startRevision }),
            after.revision,
          );
          checkWhole(outcomes, events);
          checkNoOverlap(before.segments, events);
        },
      ),
      { numRuns: 40, seed: 5 },
    );
  });
});

interface Outcome {
  readonly published: boolean;
  readonly names: readonly string[];
}

/** As a scheduler does it: reads, decides, publishes with the etags it has read. */
async function replaceWeeks(
  { clients }: Fixture,
  id: string,
  start: number,
  end: number,
): Promise<Outcome> {
  const { segments } = await clients.segments.listSegments({
    parent: cube,
    states: [SEGMENT_STATE_READY],
    pageSize: 1000,
  });
  const made = segment(id, start * 7, end * 7);
  const replaced = segments.filter((one) => overlaps(one, made));
  const names = [made, ...replaced].map(({ name }) => name);
  try {
    await clients.segments.publishSegments({
      parent: cube,
      segments: [made],
      retire: replaced.map(({ name, etag }) => ({ name, etag })),
    });
    return { published: true, names };
  } catch (error) {
    expect(['SEGMENT_CHANGED', 'SEGMENTS_OVERLAP']).toContain(
      isTesseraError(error) && error.reason,
    );
    return { published: false, names };
  }
}

type Event = Pick<metadata.WatchSegmentsResponse, 'event' | 'revision'>;

/** What was published together has one revision of its own; what failed left no trace. */
function checkWhole(outcomes: readonly Outcome[], events: readonly Event[]): void {
  for (const { published, names } of outcomes) {
    const made = events.find(({ event }) => nameOf(event) === names[0]);
    expect(made !== undefined).toBe(published);
    if (made === undefined) continue;
    const together = events.filter(({ revision }) => revision === made.revision);
    expect(together.map(({ event }) => nameOf(event)).sort()).toEqual([...names].sort());
  }
}

/** After each revision, as a reader sees it who applies whole revisions. */
function checkNoOverlap(before: readonly metadata.Segment[], events: readonly Event[]): void {
  const state = new Map(before.map((one) => [one.name, one]));
  for (const [i, { event, revision }] of events.entries()) {
    if (event?.$case === 'put') state.set(event.value.name, event.value);
    if (events[i + 1]?.revision === revision) continue;
    const ready = [...state.values()].filter((one) => one.state === SEGMENT_STATE_READY);
    for (const one of ready) {
      for (const other of ready) expect(one === other || !overlaps(one, other)).toBe(true);
    }
  }
}

function nameOf(event: Event['event']): string | undefined {
  return event?.$case === 'put' ? event.value.name : event?.value;
}

function overlaps(a: metadata.Segment, b: metadata.Segment): boolean {
  if (a.range?.kind?.$case !== 'range' || b.range?.kind?.$case !== 'range') return false;
  const [x, y] = [a.range.kind.value, b.range.kind.value];
  return x.startMicros < y.endMicros && y.startMicros < x.endMicros;
}
