import { systemClock } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { Admission, type AdmissionConfig, type Admitted } from './admission.ts';

const limits = { timeoutMs: 60_000 };
const request = (id: string, user = 'ann') => ({ id, user, project: 'default', sql: 'select 1' });
const config: AdmissionConfig = {
  maxRunning: 1,
  maxHeavy: 1,
  heavyMs: 100,
  maxQueued: 10,
  maxQueuedPerUser: 10,
  maxBytes: 100,
  maxBytesPerStatement: 60,
};
const open = (changed: Partial<AdmissionConfig> = {}, clock = systemClock) =>
  new Admission({ ...config, ...changed }, clock);

/** Time that moves when a test says so. */
function handClock() {
  let nowMs = 0;
  return {
    clock: { ...systemClock, monotonicMs: () => nowMs },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('admission', () => {
  test('lets users who wait in by turns, and those of one in their order', async () => {
    const admission = open();
    const first = await admission.admit(request('first'), limits);
    const order: string[] = [];
    const enter = async (id: string, user: string) => {
      using _ = await admission.admit(request(id, user), limits);
      order.push(id);
    };
    const waiting = [
      ...['a1', 'a2', 'a3'].map((id) => enter(id, 'ann')),
      ...['b1', 'b2'].map((id) => enter(id, 'bob')),
    ];
    expect(admission.running().map(({ state }) => state)).toEqual([
      'PLANNING',
      ...Array.from({ length: 5 }, () => 'QUEUED'),
    ]);
    first[Symbol.dispose]();
    await Promise.all(waiting);
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
    expect(admission.running()).toEqual([]);
  });

  test('refuses who would make the queue too long, says how long it is, and forgets them', async () => {
    const admission = open({ maxQueued: 0 });
    using _ = await admission.admit(request('a'), limits);
    await expect(admission.admit(request('b'), limits)).rejects.toMatchObject({
      reason: 'QUERY_QUEUE_FULL',
      metadata: { limit: '0', waiting: '0', setting: 'maxQueuedQueries' },
      retryAfterMs: expect.any(Number),
    });
    expect(admission.running()).toHaveLength(1);
  });

  test('the queue of one user is full when others may still wait', async () => {
    const admission = open({ maxQueuedPerUser: 1 });
    const running = await admission.admit(request('a'), limits);
    const waiting = [admission.admit(request('b'), limits)];
    await expect(admission.admit(request('c'), limits)).rejects.toMatchObject({
      reason: 'QUERY_QUEUE_FULL',
      metadata: { setting: 'maxQueuedPerUser' },
    });
    waiting.push(admission.admit(request('d', 'bob'), limits));
    running[Symbol.dispose]();
    for (const each of waiting) (await each)[Symbol.dispose]();
  });

  test('a deadline ends the wait, and frees its place in the queue', async () => {
    const admission = open({ maxQueued: 1 });
    using _ = await admission.admit(request('a'), limits);
    for (const id of ['b', 'c']) {
      await expect(admission.admit(request(id), { timeoutMs: 1 })).rejects.toMatchObject({
        reason: 'QUERY_TIMEOUT',
      });
    }
  });

  test('one that could not start before its deadline is refused at once', async () => {
    const { clock, pass } = handClock();
    const admission = open({}, clock);
    for (let i = 0; i < 8; i++) {
      using _ = await admission.admit(request(`${i}`), limits);
      pass(1_000);
    }
    using _ = await admission.admit(request('a'), limits);
    const patient = admission.admit(request('b'), limits);
    await expect(admission.admit(request('c'), { timeoutMs: 1_500 })).rejects.toMatchObject({
      reason: 'QUERY_CANNOT_START',
      metadata: { waitMs: '2000', remainingMs: '1500', waiting: '1' },
      retryAfterMs: 2_000,
    });
    admission.cancel('b');
    await expect(patient).rejects.toMatchObject({ reason: 'QUERY_CANCELLED' });
  });

  test('cancel by id aborts one that runs and one that waits, and nothing else', async () => {
    const admission = open({ maxQueued: 1 });
    using running = await admission.admit(request('a'), limits);
    const waiting = admission.admit(request('b'), limits);
    admission.cancel('b');
    await expect(waiting).rejects.toMatchObject({ reason: 'QUERY_CANCELLED' });
    expect(running.signal.aborted).toBe(false);
    admission.cancel('a');
    expect(running.signal.reason).toMatchObject({ reason: 'QUERY_CANCELLED' });
    expect(() => admission.cancel('nobody')).toThrow(
      expect.objectContaining({ reason: 'QUERY_NOT_RUNNING' }),
    );
  });

  test('a caller that hangs up cancels, and leaves the queue at once', async () => {
    const admission = open({ maxQueued: 1 });
    const caller = new AbortController();
    using admitted = await admission.admit(request('a'), limits, caller.signal);
    const waiting = admission.admit(request('b'), limits, caller.signal);
    caller.abort();
    expect(admitted.signal.reason).toMatchObject({ reason: 'QUERY_CANCELLED' });
    await expect(waiting).rejects.toMatchObject({ reason: 'QUERY_CANCELLED' });
    expect(admission.running().map(({ id }) => id)).toEqual(['a']);
  });

  test('keep their places until what outlives them has ended', async () => {
    const admission = open();
    const work = Promise.withResolvers<void>();
    const late = await admission.admit(request('late'), limits);
    late.outlivedBy(work.promise);
    late[Symbol.dispose]();
    let entered = false;
    const next = admission.admit(request('next'), limits).then((admitted) => {
      entered = true;
      return admitted;
    });
    await new Promise(setImmediate);
    expect(entered).toBe(false);
    work.reject(new Error('interrupted'));
    (await next)[Symbol.dispose]();
  });
});

describe('heavy statements', () => {
  const heavy = async (admission: Admission, id: string, weights: Promise<boolean>[]) => {
    const admitted = await admission.admit(request(id), limits);
    weights.push(admitted.weigh(1_000));
    return admitted;
  };

  test('wait for each other, and never keep small ones waiting', async () => {
    const admission = open();
    const weights: Promise<boolean>[] = [];
    const all: Admitted[] = [];
    for (const id of ['h1', 'h2', 'h3']) all.push(await heavy(admission, id, weights));
    expect(await weights[0]).toBe(true);
    expect(admission.running().map(({ state }) => state)).toEqual(['PLANNING', 'QUEUED', 'QUEUED']);
    using small = await admission.admit(request('small'), limits);
    expect(await small.weigh(99)).toBe(false);
    expect(small.heavy).toBe(false);
    all[0]![Symbol.dispose]();
    expect(await weights[1]).toBe(true);
    expect(all[1]!.heavy).toBe(true);
    all[1]![Symbol.dispose]();
    expect(await weights[2]).toBe(true);
    all[2]![Symbol.dispose]();
  });

  test('are weighed once: what is planned again keeps its place', async () => {
    using admitted = await open().admit(request('h'), limits);
    expect(await admitted.weigh(1_000)).toBe(true);
    expect(await admitted.weigh(2_000)).toBe(false);
  });

  test('that are cancelled while they wait leave both lanes as they were', async () => {
    const admission = open();
    const weights: Promise<boolean>[] = [];
    const running = await heavy(admission, 'h1', weights);
    await weights[0];
    {
      using _ = await heavy(admission, 'h2', weights);
      admission.cancel('h2');
      await expect(weights[1]).rejects.toMatchObject({ reason: 'QUERY_CANCELLED' });
    }
    running[Symbol.dispose]();
    using next = await heavy(admission, 'h3', weights);
    expect(await weights[2]).toBe(true);
    using small = await admission.admit(request('small'), limits);
    expect([next.heavy, small.heavy]).toEqual([true, false]);
  });
});

describe('memory of statements', () => {
  const two = async () => {
    const admission = open({ maxRunning: 2 });
    const [a, b] = [
      await admission.admit(request('a'), limits),
      await admission.admit(request('b'), limits),
    ];
    return { admission, a, b };
  };

  test('has a bound for each', async () => {
    const { a } = await two();
    a.memory.hold(60);
    expect(() => a.memory.hold(1)).toThrow(
      expect.objectContaining({
        reason: 'QUERY_MEMORY_EXCEEDED',
        metadata: { limit: '60', setting: 'maxQueryMemoryBytes' },
      }),
    );
  });

  test('has a bound for all, which says that it may be tried again', async () => {
    const { admission, a, b } = await two();
    a.memory.hold(60);
    b.memory.hold(40);
    const full = expect.objectContaining({
      reason: 'QUERY_MEMORY_FULL',
      retryAfterMs: expect.any(Number),
    });
    expect(() => b.memory.hold(1)).toThrow(full);
    a.memory.keepOnly(10);
    b.memory.hold(1);
    expect(admission.heldBytes).toBe(51);
  });

  test('is held until the answer is sent, though the place is given back before', async () => {
    const { admission, a, b } = await two();
    a.memory.hold(60);
    a.finish();
    using next = await admission.admit(request('c'), limits);
    expect(admission.heldBytes).toBe(60);
    a[Symbol.dispose]();
    a[Symbol.dispose]();
    a.memory.hold(5); // A part that was still being read.
    b[Symbol.dispose]();
    expect(admission.heldBytes).toBe(0);
    expect(next.signal.aborted).toBe(false);
  });
});
