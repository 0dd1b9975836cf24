import { resourceIdOf } from '@tessera/base';
import { jobIdOf } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeWorld } from '../flink/fake-world.ts';
import { Scripted, steady } from './scripted.ts';

/** Jobs of one cluster, whose host has room for three TaskManagers of two slots. */
const room = 6;

let world: FakeWorld;
let strategy: Scripted;
beforeEach(async () => {
  world = await FakeWorld.open('a');
  strategy = new Scripted();
  world.strategies = strategy;
  world.flink.slotsEach = 2;
  world.flink.counted = steady;
  await world.apply({ taskManagerCount: 1, maxTaskManagerCount: 8 });
  await seconds(4);
});
afterEach(() => world[Symbol.asyncDispose]());

/** At no time do jobs run with more slots than there are. */
async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await world.clock.advance(1_000);
    await world.look();
    const slots = 2 * world.running().filter((name) => name.startsWith('c-tm')).length;
    const taken = world.flink.jobs
      .filter(({ state }) => state === 'RUNNING')
      .reduce((sum, { parallelism }) => sum + Math.max(...Object.values(parallelism)), 0);
    expect(taken).toBeLessThanOrEqual(Math.max(slots, 2));
  }
}

async function begin(id: string, priority: number): Promise<void> {
  const fast = { cooldownBeforeUp: { seconds: 1n }, cooldownBeforeDown: { seconds: 1n } };
  const scaling = { strategy: `@acme/${id}`, priority, ...fast };
  await world.applyJob(id, { scaling: flink.FlinkScaling.fromPartial(scaling) });
}

async function sizeOf(id: string): Promise<number | undefined> {
  const { deployed } = await world.jobStatus(resourceIdOf(id));
  return world.flink.jobs.find(({ id: jobId }) => jobId === deployed!.jobId)?.parallelism['work'];
}
const sizes = async () => [await sizeOf('high'), await sizeOf('low')];

describe('jobs that share the slots of a cluster', () => {
  test('get what its hosts have room for, the one of higher priority first', async () => {
    await begin('low', 0);
    await begin('high', 1);
    await seconds(8);
    strategy.wantedBy.set('@acme/low', 5);
    await seconds(15);
    expect(await sizes()).toEqual([1, 5]);
    strategy.wantedBy.set('@acme/high', 4);
    await seconds(40);
    expect(await sizes()).toEqual([4, room - 4]);
  });

  test('keep what they have against one of lower priority, which gets the rest', async () => {
    await begin('low', 0);
    await begin('high', 1);
    strategy.wantedBy.set('@acme/high', 4);
    await seconds(20);
    strategy.wantedBy.set('@acme/low', 6);
    await seconds(40);
    expect(await sizes()).toEqual([4, room - 4]);
    strategy.wantedBy.set('@acme/high', 1);
    await seconds(40);
    expect(await sizes()).toEqual([1, room - 1]);
  });

  test('of one priority never wait for the same slots, and use all that there are', async () => {
    await begin('low', 0);
    await begin('high', 0);
    strategy.wantedBy.set('@acme/low', 6).set('@acme/high', 6);
    await seconds(15);
    const [one, other] = await sizes();
    expect(one! + other!).toBe(room);
  });

  test('need no slot of one that nobody scales', async () => {
    await begin('low', 0);
    await world.applyJob('high', { parallelism: 3 });
    strategy.wantedBy.set('@acme/low', 6);
    await seconds(40);
    expect(await sizes()).toEqual([3, room - 3]);
  });

  test('get the slots of one that is given up', async () => {
    await begin('low', 0);
    strategy.wantedBy.set('@acme/low', 6);
    const { uid } = await world.applyJob('high', { parallelism: 3 });
    const own = new Set(Array.from({ length: 20 }, (_, i) => jobIdOf(uid, i + 1)));
    for (let i = 0; i < 60; i++) {
      await seconds(1);
      for (const [at, job] of world.flink.jobs.entries()) {
        if (own.has(job.id)) world.flink.jobs[at] = { ...job, state: 'FAILED' };
      }
    }
    expect(await world.jobStatus('high')).toMatchObject({ conditions: [{ reason: 'GIVEN_UP' }] });
    expect(await sizeOf('low')).toBe(room);
  });

  test.each([0, 1])(
    'make room for one of priority %i that comes when all is taken',
    async (priority) => {
      await begin('low', 0);
      strategy.wantedBy.set('@acme/low', 6);
      await seconds(20);
      expect(await sizeOf('low')).toBe(6);
      await begin('high', priority);
      // Flink submits it at once, and lets it wait for its slot.
      for (let i = 0; i < 40; i++) {
        await world.clock.advance(1_000);
        await world.look();
      }
      expect(await sizes()).toEqual([1, 5]);
    },
  );
});
