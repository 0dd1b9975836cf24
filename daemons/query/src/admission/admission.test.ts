import { systemClock } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { Admission } from './admission.ts';

const limits = { timeoutMs: 60_000, maxRows: 1, maxBytes: 1 };
const request = (id: string) => ({ id, project: 'default', sql: 'select 1' });
const open = (maxRunning: number, maxQueued: number) =>
  new Admission({ maxRunning, maxQueued }, systemClock);

describe('admission', () => {
  test('lets those who wait in one by one, in their order', async () => {
    const admission = open(1, 10);
    const first = await admission.admit(request('a'), limits);
    const order: string[] = [];
    const enter = async (id: string) => {
      using _ = await admission.admit(request(id), limits);
      order.push(id);
    };
    const waiting = [enter('b'), enter('c'), enter('d')];
    expect(admission.running().map(({ state }) => state)).toEqual([
      'PLANNING',
      'QUEUED',
      'QUEUED',
      'QUEUED',
    ]);
    first[Symbol.dispose]();
    await Promise.all(waiting);
    expect(order).toEqual(['b', 'c', 'd']);
    expect(admission.running()).toEqual([]);
  });

  test('refuses who would make the queue too long, and forgets them', async () => {
    const admission = open(1, 0);
    using _ = await admission.admit(request('a'), limits);
    await expect(admission.admit(request('b'), limits)).rejects.toMatchObject({
      reason: 'QUERY_QUEUE_FULL',
    });
    expect(admission.running()).toHaveLength(1);
  });

  test('a deadline ends the wait, and frees its place in the queue', async () => {
    const admission = open(1, 1);
    using _ = await admission.admit(request('a'), limits);
    const late = { ...limits, timeoutMs: 1 };
    for (const id of ['b', 'c']) {
      await expect(admission.admit(request(id), late)).rejects.toMatchObject({
        reason: 'QUERY_TIMEOUT',
      });
    }
  });

  test('cancel by id aborts one that runs and one that waits, and nothing else', async () => {
    const admission = open(1, 1);
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

  test('a caller that hangs up cancels', async () => {
    const admission = open(1, 1);
    const caller = new AbortController();
    using admitted = await admission.admit(request('a'), limits, caller.signal);
    caller.abort();
    expect(admitted.signal.reason).toMatchObject({ reason: 'QUERY_CANCELLED' });
  });
});
