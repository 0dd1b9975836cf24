import type { Clock, KeyValueStore } from '@tessera/base';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata, type MetadataDaemon } from './composition.ts';
import { cube, inProcess, project, seed, segment } from './fixture.ts';
import { openMemoryStore } from './store/memory-store.ts';

const minutesMs = 60_000;

/** The time passes as it does for all, but the wall clock is set wrong. */
function setAhead(clock: Clock, aheadMs: number): Clock {
  return {
    now: () => clock.now() + BigInt(aheadMs) * 1000n,
    monotonicMs: () => clock.monotonicMs(),
    sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
  };
}

describe('metadata daemons of one store whose clocks are ten minutes apart', () => {
  let clock: ManualClock;
  let store: KeyValueStore;
  let daemons: MetadataDaemon[];
  let [behind, ahead]: TesseraClient[] = [];
  beforeEach(async () => {
    clock = new ManualClock();
    store = await openMemoryStore(clock);
    const compose = (aheadMs: number) =>
      composeMetadata(
        { store: { driver: 'memory' } },
        { store, clock: setAhead(clock, aheadMs * minutesMs) },
      );
    daemons = [await compose(-5), await compose(5)];
    [behind, ahead] = daemons.map(({ services }) => clientsBy(inProcess(services)));
  });
  afterEach(async () => {
    for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  });

  test('give a lease to one, and for the same time', async () => {
    const name = 'leases/scheduler';
    const ttl = { seconds: 10n, nanos: 0 };
    const acquire = (client: TesseraClient, holder: string) =>
      client.leases.acquireLease({ name, holder, ttl });
    for (const [first, second] of [
      [behind!, ahead!],
      [ahead!, behind!],
    ] as const) {
      const { fencingToken } = await acquire(first, 'one');
      await clock.advance(9_000);
      await expectReason(acquire(second, 'two'), 'LEASE_HELD');
      await second.leases.renewLease({ name, fencingToken });
      await clock.advance(9_000);
      await expectReason(acquire(second, 'two'), 'LEASE_HELD');
      await clock.advance(1_001);
      const taken = await acquire(second, 'two');
      await second.leases.releaseLease({ name, fencingToken: taken.fencingToken });
    }
  });

  test('take the tokens of each other, while less than the time of a session lies between them', async () => {
    const { users, authentication } = behind!;
    await users.createUser({ userId: 'ann', user: {} });
    await authentication.setPassword({ user: 'ann', password: 'open sesame' });
    for (const client of [behind!, ahead!]) {
      const { token } = await client.authentication.login({ user: 'ann', password: 'open sesame' });
      for (const { authenticator } of daemons) {
        expect(await authenticator.identityOf(token)).toMatchObject({ kind: 'user' });
      }
    }
  });

  test('change resources by turns, and order them by revisions only', async () => {
    await seed(ahead!);
    const { segments } = await ahead!.segments.publishSegments({
      parent: cube,
      segments: [segment('a', 0, 31)],
    });
    const before = segments[0]!;
    const published = await behind!.segments.publishSegments({
      parent: cube,
      segments: [segment('b', 31, 59)],
      retire: [{ name: before.name, etag: before.etag }],
    });
    expect(published.segments.map(({ name }) => name)).toEqual([`${cube}/segments/b`]);
    const retired = await ahead!.segments.getSegment({ name: before.name });
    expect(retired.state).toBe(metadata.SegmentState.SEGMENT_STATE_RETIRED);
    expect(retired.revision).toBeGreaterThan(before.revision);
    // Its time went back; nothing looks at it to tell what is newer.
    expect(retired.updateTime!.seconds).toBeLessThan(before.updateTime!.seconds);
    const read = await ahead!.projects.getProject({ name: project });
    const changed = await behind!.projects.updateProject({
      project: { ...read, description: 'x' },
    });
    expect(changed.revision).toBeGreaterThan(read.revision);
  });
});
