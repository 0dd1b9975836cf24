import { metadata } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from '../fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

describe('a lease', () => {
  const name = 'leases/scheduler';
  const ttl = { seconds: 10n, nanos: 0 };

  test('has one holder at a time, and tells others until when', async () => {
    const { leases } = fixture.clients;
    const held = await leases.acquireLease({ name, holder: 'one', ttl });
    await fixture.clock.advance(4_000);
    const refused = await leases.acquireLease({ name, holder: 'two', ttl }).catch((error) => error);
    expect(refused).toMatchObject({ reason: 'LEASE_HELD', metadata: { holder: 'one' } });
    const remainingMs =
      Date.parse(refused.metadata.expireTime) - Number(fixture.clock.now() / 1000n);
    expect(remainingMs).toBe(6_000);
    expect(await leases.getLease({ name })).toMatchObject({
      holder: 'one',
      fencingToken: held.fencingToken,
    });
  });

  test('is free when it was not renewed in time, and lasts while it is', async () => {
    const { leases } = fixture.clients;
    const { fencingToken } = await leases.acquireLease({ name, holder: 'one', ttl });
    for (let i = 0; i < 4; i++) {
      await fixture.clock.advance(6_000);
      const renewed = await leases.renewLease({ name, fencingToken });
      expect(renewed.fencingToken).toBe(fencingToken);
    }
    await fixture.clock.advance(10_001);
    await expectReason(leases.renewLease({ name, fencingToken }), 'LEASE_LOST');
    await expectReason(leases.getLease({ name }), 'LEASE_NOT_FOUND');
    const next = await leases.acquireLease({ name, holder: 'two', ttl });
    expect(next.fencingToken).toBeGreaterThan(fencingToken);
  });

  test('that its own holder takes again has a new token, and lives on', async () => {
    const { leases } = fixture.clients;
    const first = await leases.acquireLease({ name, holder: 'one', ttl });
    const second = await leases.acquireLease({ name, holder: 'one', ttl });
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    await expectReason(leases.renewLease({ name, fencingToken: first.fencingToken }), 'LEASE_LOST');
    await leases.releaseLease({ name, fencingToken: first.fencingToken });
    expect(await leases.getLease({ name })).toMatchObject({ fencingToken: second.fencingToken });
    await leases.releaseLease({ name, fencingToken: second.fencingToken });
    await leases.acquireLease({ name, holder: 'two', ttl });
  });

  test('wanted by many is given to one', async () => {
    const { leases } = fixture.clients;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => leases.acquireLease({ name, holder: `h${i}`, ttl })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('tells whoever waits for it as soon as it is free', async () => {
    const { leases } = fixture.clients;
    const timeout = { seconds: 30n, nanos: 0 };
    await leases.waitLease({ name, timeout }); // Nobody holds it.
    const { fencingToken } = await leases.acquireLease({ name, holder: 'one', ttl });
    await leases.acquireLease({
      name: `${name}-2`,
      holder: 'other',
      ttl: { seconds: 1n, nanos: 0 },
    });
    const { told, wait } = waiting(() => leases.waitLease({ name, timeout }));
    await fixture.clock.advance(6_000);
    await leases.renewLease({ name, fencingToken });
    await fixture.clock.advance(9_900);
    expect(told()).toBe(false); // Neither a renewal nor the end of another lease is its end.
    await fixture.clock.advance(200);
    await wait;
  });

  test('lets whoever waits for it go after a time, and at once when he goes by himself', async () => {
    const { leases } = fixture.clients;
    const hour = { seconds: 3_600n, nanos: 0 };
    await leases.acquireLease({ name, holder: 'one', ttl: hour });
    const timeout = { seconds: 2n, nanos: 0 };
    const { told, wait } = waiting(() => leases.waitLease({ name, timeout }));
    const gone = new AbortController();
    const left = leases.waitLease({ name, timeout }, { signal: gone.signal });
    await fixture.clock.advance(1_900);
    expect(told()).toBe(false);
    gone.abort();
    await Promise.allSettled([left]);
    await fixture.clock.advance(200);
    await wait;
    await expectReason(leases.waitLease({ name, timeout: hour }), 'BAD_REQUEST');
  });

  test('of no sensible length is refused', async () => {
    const { leases } = fixture.clients;
    for (const seconds of [0n, 3601n]) {
      const request = { name, holder: 'one', ttl: { seconds, nanos: 0 } };
      await expectReason(leases.acquireLease(request), 'BAD_REQUEST');
    }
  });
});

describe('an operation', () => {
  const { JOURNAL_STATE_STARTED, JOURNAL_STATE_DONE } = metadata.JournalState;
  const name = 'operations/build-1';
  const entry = (key: string) => ({ name: `${name}/journal/${key}`, state: JOURNAL_STATE_STARTED });

  test('journals a step before it is taken and after, in order, once', async () => {
    const { operationRecords } = fixture.clients;
    await operationRecords.createOperationRecord({
      operationRecordId: 'build-1',
      operationRecord: {},
    });
    const first = await operationRecords.writeJournalEntry({ journalEntry: entry('z-snapshot') });
    await operationRecords.writeJournalEntry({ journalEntry: entry('a-build') });
    await operationRecords.writeJournalEntry({ journalEntry: entry('m-publish') });
    await expectReason(
      operationRecords.writeJournalEntry({ journalEntry: entry('z-snapshot') }),
      'JOURNAL_ENTRY_EXISTS',
    );
    const journalEntry = { ...first, state: JOURNAL_STATE_DONE, outcome: { rows: '3' } };
    await operationRecords.writeJournalEntry({ journalEntry });
    await expectReason(operationRecords.writeJournalEntry({ journalEntry }), 'ETAG_MISMATCH');
    const page = await operationRecords.listJournalEntries({ parent: name, pageSize: 2 });
    const rest = await operationRecords.listJournalEntries({
      parent: name,
      pageSize: 2,
      pageToken: page.nextPageToken,
    });
    const listed = [...page.journalEntries, ...rest.journalEntries];
    expect(listed.map((one) => one.name.split('/').at(-1))).toEqual([
      'z-snapshot',
      'a-build',
      'm-publish',
    ]);
    expect(listed[0]).toMatchObject({ state: JOURNAL_STATE_DONE, outcome: { rows: '3' } });
    expect(rest.nextPageToken).toBe('');
  });

  test('takes its journal along, and none is written without it', async () => {
    const { operationRecords } = fixture.clients;
    await operationRecords.createOperationRecord({
      operationRecordId: 'build-1',
      operationRecord: {},
    });
    await operationRecords.writeJournalEntry({ journalEntry: entry('a') });
    await operationRecords.deleteOperationRecord({ name });
    expect((await operationRecords.listJournalEntries({ parent: name })).journalEntries).toEqual(
      [],
    );
    await expectReason(
      operationRecords.writeJournalEntry({ journalEntry: entry('a') }),
      'OPERATION_NOT_FOUND',
    );
  });

  test('is listed newest first, by state and target', async () => {
    const { operationRecords } = fixture.clients;
    const { OPERATION_STATE_RUNNING, OPERATION_STATE_FAILED } = metadata.OperationState;
    for (const [i, id] of ['d', 'b', 'c', 'a', 'e'].entries()) {
      await operationRecords.createOperationRecord({
        operationRecordId: id,
        operationRecord: {
          target: i % 2 === 0 ? 'even' : 'odd',
          state: i === 4 ? OPERATION_STATE_FAILED : OPERATION_STATE_RUNNING,
        },
      });
    }
    const list = async (request: { states?: metadata.OperationState[]; target?: string }) => {
      const names: string[] = [];
      for (let pageToken = ''; ; ) {
        const page = await operationRecords.listOperationRecords({
          ...request,
          pageSize: 2,
          pageToken,
        });
        names.push(...page.operationRecords.map((one) => one.name.split('/')[1]!));
        pageToken = page.nextPageToken;
        if (pageToken === '') return names.join('');
      }
    };
    expect(await list({})).toBe('eacbd');
    expect(await list({ target: 'even' })).toBe('ecd');
    expect(await list({ states: [OPERATION_STATE_RUNNING] })).toBe('acbd');
  });
});

/** A call that is under way, and whether it has come back. */
function waiting(call: () => Promise<unknown>) {
  let isBack = false;
  const wait = call().then(() => {
    isBack = true;
  });
  return { wait, told: () => isBack };
}
