import { services, type TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { SchedulerFixture } from '../operations/scheduler-fixture.ts';
import { actingClients } from './acting-clients.ts';
import type { Leadership } from './leadership.ts';
import type { Term } from './term.ts';

/** Serves terms that do nothing but last, and tells of each. */
class Candidate implements AsyncDisposable {
  readonly terms: Term[] = [];
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(leadership: Leadership) {
    this.#running = leadership.run(async (term) => {
      this.terms.push(term);
      await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
    }, this.#stopping.signal);
  }

  get leads(): boolean {
    return this.terms.at(-1)?.isLost === false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}

/** Moves the clock until the condition holds; returns how far, in milliseconds. */
async function advanceUntil(clock: ManualClock, condition: () => boolean): Promise<number> {
  let ms = 0;
  for (; !condition() && ms < 60_000; ms += 50) await clock.advance(50);
  return ms;
}

/** Leases of a process that is cut off from metadata while `cut` is true: its calls hang. */
function cutOff(leases: TesseraClient['leases'], cut: () => boolean): TesseraClient['leases'] {
  const hang = new Promise<never>(() => {});
  return {
    ...leases,
    acquireLease: (request, options) => (cut() ? hang : leases.acquireLease(request, options)),
    renewLease: (request, options) => (cut() ? hang : leases.renewLease(request, options)),
    waitLease: (request, options) => (cut() ? hang : leases.waitLease(request, options)),
    releaseLease: (request, options) => (cut() ? hang : leases.releaseLease(request, options)),
  };
}

/** Whoever leads has been paused so long that another leads: its own clock has not moved. */
async function paused(fixture: SchedulerFixture): Promise<Term> {
  const standing = new ManualClock();
  const first = new Candidate(fixture.leadership({ clock: standing }));
  await fixture.clock.advance(1);
  const second = new Candidate(fixture.leadership());
  await advanceUntil(fixture.clock, () => second.leads);
  const term = first.terms[0]!;
  expect(term.isLost).toBe(false);
  return term;
}

describe('leadership', () => {
  test('goes to another within five seconds of the last word of a leader that died', async () => {
    await using fixture = await SchedulerFixture.open();
    let dead = false;
    const first = new Candidate(
      fixture.leadership({ leases: cutOff(fixture.clients.leases, () => dead) }),
    );
    await fixture.clock.advance(1);
    await using second = new Candidate(fixture.leadership());
    await fixture.clock.advance(10_000);
    expect([first.leads, second.leads]).toEqual([true, false]);
    dead = true;
    expect(await advanceUntil(fixture.clock, () => second.leads)).toBeLessThan(5_000);
    expect(first.leads).toBe(false);
  });

  test('goes to another as soon as the lease of a leader that died is over', async () => {
    await using fixture = await SchedulerFixture.open();
    let dead = false;
    const { leases } = fixture.clients;
    const first = new Candidate(fixture.leadership({ leases: cutOff(leases, () => dead) }));
    await fixture.clock.advance(200); // So that it does not ask just then.
    await using second = new Candidate(fixture.leadership());
    await fixture.clock.advance(10_000);
    dead = true;
    const { expireTime } = await leases.getLease({ name: 'leases/scheduler' });
    const expireMs = Number(expireTime!.seconds) * 1_000 + expireTime!.nanos / 1_000_000;
    const remainingMs = expireMs - Number(fixture.clock.now() / 1000n);
    const waitedMs = await advanceUntil(fixture.clock, () => second.leads);
    expect(waitedMs - remainingMs).toBeLessThanOrEqual(50);
    expect(first.leads).toBe(false);
  });

  test('goes to another soon also when nobody tells that the lease is free', async () => {
    await using fixture = await SchedulerFixture.open();
    let dead = false;
    const { leases } = fixture.clients;
    const first = new Candidate(fixture.leadership({ leases: cutOff(leases, () => dead) }));
    await fixture.clock.advance(1);
    const untold = { ...leases, waitLease: () => new Promise<never>(() => {}) };
    await using second = new Candidate(fixture.leadership({ leases: untold }));
    await fixture.clock.advance(10_000);
    dead = true;
    expect(await advanceUntil(fixture.clock, () => second.leads)).toBeLessThanOrEqual(3_600);
    expect(first.leads).toBe(false);
  });

  test('asks no more often when what tells of a free lease fails', async () => {
    await using fixture = await SchedulerFixture.open();
    const { leases } = fixture.clients;
    await using _ = new Candidate(fixture.leadership());
    await fixture.clock.advance(1);
    let asked = 0;
    const failing = {
      ...leases,
      acquireLease: (...call: Parameters<typeof leases.acquireLease>) => {
        asked++;
        return leases.acquireLease(...call);
      },
      waitLease: () => Promise.reject(new Error('it does not know of this')),
    };
    await using __ = new Candidate(fixture.leadership({ leases: failing }));
    await fixture.clock.advance(6_000);
    expect(asked).toBeGreaterThanOrEqual(12);
    expect(asked).toBeLessThanOrEqual(14);
  });

  test('ends by the own clock of a leader that is cut off, before another begins', async () => {
    await using fixture = await SchedulerFixture.open();
    let cut = false;
    const leases = cutOff(fixture.clients.leases, () => cut);
    await using first = new Candidate(fixture.leadership({ leases }));
    await fixture.clock.advance(1);
    await using second = new Candidate(fixture.leadership());
    cut = true;
    await advanceUntil(fixture.clock, () => {
      expect(first.leads && second.leads).toBe(false);
      return second.leads;
    });
    expect(first.terms[0]!.signal.aborted).toBe(true);
    cut = false;
    await fixture.clock.advance(10_000);
    expect([first.leads, second.leads]).toEqual([false, true]);
  });

  test('goes on while some renewals get lost', async () => {
    await using fixture = await SchedulerFixture.open();
    let calls = 0;
    let lossy = true;
    const leases = cutOff(fixture.clients.leases, () => lossy && calls++ % 2 === 1);
    await using candidate = new Candidate(fixture.leadership({ leases }));
    await fixture.clock.advance(60_000);
    lossy = false;
    expect(candidate.terms).toHaveLength(1);
    expect(candidate.leads).toBe(true);
  });

  test('passes on at once when a leader stops in good order', async () => {
    await using fixture = await SchedulerFixture.open();
    const first = new Candidate(fixture.leadership());
    await fixture.clock.advance(1);
    await using second = new Candidate(fixture.leadership());
    await first[Symbol.asyncDispose]();
    expect(await advanceUntil(fixture.clock, () => second.leads)).toBeLessThanOrEqual(50);
  });
});

describe('a leader that was paused across the end of its lease', () => {
  const name = 'operations/a';
  const ready = metadata.SegmentState.SEGMENT_STATE_READY;
  const cube = 'projects/p/cubes/c';
  const segment = { name: `${cube}/segments/s`, state: ready, range: range(0n, 1n) };
  const writes: Record<string, (clients: TesseraClient) => Promise<unknown>> = {
    'start an operation': ({ operationRecords }) =>
      operationRecords.createOperationRecord({ operationRecordId: 'b', operationRecord: {} }),
    'write of an operation': ({ operationRecords }) =>
      operationRecords.updateOperationRecord({
        operationRecord: { name, attempt: 9 },
        updateMask: ['attempt'],
      }),
    'delete an operation': ({ operationRecords }) =>
      operationRecords.deleteOperationRecord({ name }),
    'journal a step': ({ operationRecords }) =>
      operationRecords.writeJournalEntry({ journalEntry: { name: `${name}/journal/step` } }),
    'publish a segment': ({ segments }) =>
      segments.publishSegments({ parent: cube, segments: [segment] }),
    'retire a segment': ({ segments }) =>
      segments.publishSegments({
        parent: cube,
        segments: [{ ...segment, name: `${cube}/segments/t`, range: range(1n, 2n) }],
      }),
    'change a segment': ({ segments }) =>
      segments.updateSegment({ segment: { ...segment, sourceRows: 3n }, allowMissing: true }),
    'write a snapshot': ({ snapshots }) =>
      snapshots.updateSnapshot({
        snapshot: { name: 'projects/p/snapshots/s' },
        allowMissing: true,
      }),
    'write a dictionary': ({ dictionaries }) =>
      dictionaries.createDictionary({ parent: 'projects/p', dictionaryId: 'd', dictionary: {} }),
    'pin the plan of a cube': ({ cubes }) =>
      cubes.updateCube({ cube: { name: cube, plan: { modelVersion: 7n } }, updateMask: ['plan'] }),
  };

  test.each(Object.keys(writes))('cannot %s, and learns that its term is over', async (write) => {
    await using fixture = await SchedulerFixture.open();
    await prepare(fixture);
    const term = await paused(fixture);
    await expectReason(writes[write]!(actingClients(fixture.clients, term)), 'FENCED');
    expect(term.isLost).toBe(true);
    await writes[write]!(fixture.clients); // It is the fence that refused it.
  });

  test('has its work refused for good, also when the same scheduler leads again', async () => {
    await using fixture = await SchedulerFixture.open();
    await prepare(fixture);
    let cut = false;
    const leases = cutOff(fixture.clients.leases, () => cut);
    await using candidate = new Candidate(fixture.leadership({ leases }));
    await fixture.clock.advance(1);
    cut = true;
    await fixture.clock.advance(5_000);
    cut = false;
    await advanceUntil(fixture.clock, () => candidate.leads);
    expect(candidate.terms).toHaveLength(2);
    const [early, late] = candidate.terms.map((term) => actingClients(fixture.clients, term));
    await expectReason(writes['publish a segment']!(early!), 'NOT_LEADER');
    await writes['publish a segment']!(late!);
  });

  async function prepare({ clients }: SchedulerFixture): Promise<void> {
    await clients.operationRecords.createOperationRecord({
      operationRecordId: 'a',
      operationRecord: {},
    });
    await clients.projects.createProject({ projectId: 'p' });
    await clients.sources.createSource({
      parent: 'projects/p',
      sourceId: 's',
      source: { connector: 'c' },
    });
    const spec = metadata.ModelSpec.fromPartial({
      fact: { source: 's', table: 't', alias: 'f' },
      partition: { column: 'f.d', grain: metadata.Grain.GRAIN_MONTH },
      dimensions: [{ name: 'd', column: 'f.d' }],
      measures: [{ name: 'n', aggregate: metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT }],
    });
    await clients.models.createModel({ parent: 'projects/p', modelId: 'm', model: { spec } });
    const cubeSpec = metadata.CubeSpec.fromPartial({ model: 'm', groups: [{ include: ['d'] }] });
    await clients.cubes.createCube({ parent: 'projects/p', cubeId: 'c', cube: { spec: cubeSpec } });
  }

  function range(startMicros: bigint, endMicros: bigint) {
    return { kind: { $case: 'range', value: { startMicros, endMicros } } } as const;
  }
});

describe('clients of a leader', () => {
  const fence = { lease: 'leases/l', token: 7n, operation: '' };
  const authority = { fence: () => fence, over: new AbortController().signal, lose: () => {} };

  type Answer = Promise<unknown> | AsyncIterable<unknown>;
  const ended = (answer: Answer): Promise<unknown> =>
    Symbol.asyncIterator in answer ? Array.fromAsync(answer) : answer;

  /** By service and method: the request that arrived. */
  async function arrivals(): Promise<ReadonlyMap<string, object | 'refused'>> {
    const arrived = new Map<string, object | 'refused'>();
    const recording = Object.fromEntries(
      Object.entries(services).map(([service, { methods }]) => {
        const calls = Object.entries(methods).map(([method, { responseStream }]) => {
          const came = (request: object) => arrived.set(`${service}.${method}`, request);
          const call = async (request: object) => came(request);
          const stream = async function* (request: object) {
            yield came(request);
          };
          return [method, responseStream ? stream : call];
        });
        return [service, Object.fromEntries(calls)];
      }),
    ) as unknown as TesseraClient;
    const acting = actingClients(recording, authority) as unknown as Readonly<
      Record<string, Readonly<Record<string, (request: object) => Answer>>>
    >;
    for (const [service, { methods }] of Object.entries(services)) {
      for (const method of Object.keys(methods)) {
        await ended(acting[service]![method]!({})).catch(() =>
          arrived.set(`${service}.${method}`, 'refused'),
        );
      }
    }
    return arrived;
  }

  test('fence whatever changes what is published, journaled or stored, and cannot call the rest', async () => {
    const arrived = await arrivals();
    const called = (outcome: (request: object | 'refused') => boolean) =>
      [...arrived].filter(([, request]) => outcome(request)).map(([name]) => name);
    const isFenced = (request: object | 'refused') => request !== 'refused' && 'fence' in request;
    const fenced = called(isFenced);
    expect(fenced).toEqual(
      expect.arrayContaining([
        'segments.publishSegments',
        'operationRecords.writeJournalEntry',
        'operationRecords.deleteOperationRecord',
        'cubes.updateCube',
        'storage.commitIngest',
        'storage.dropLayouts',
        'storage.deleteUnreferenced',
        'transfers.pullFiles',
      ]),
    );
    const free = called((request) => request !== 'refused' && !isFenced(request));
    const changing = /\.(create|update|delete|write|publish|drop|commit|prepare|abort|pin|acquire)/;
    expect(free.filter((name) => changing.test(name))).toEqual([]);
    expect(called((request) => request === 'refused')).toContain('models.updateModel');
  });
});
