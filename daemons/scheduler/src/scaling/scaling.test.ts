import { flink } from '@tessera/proto';
import type { StrategyOutcome } from '@tessera/scaling';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeWorld } from '../flink/fake-world.ts';
import { Scripted, steady } from './scripted.ts';
import type { Strategies } from './strategy-pool.ts';

let world: FakeWorld;
beforeEach(async () => {
  world = await FakeWorld.open('a', 'b');
  world.flink.slotsEach = 2;
});
afterEach(() => world[Symbol.asyncDispose]());

const scaling = flink.FlinkScaling.fromPartial({ strategy: '@acme/scripted' });
const second = async () => {
  await world.clock.advance(1_000);
  await world.look();
};
async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await second();
}
const job = () => world.flink.jobs.at(-1)!;
const taskManagers = () => world.running().filter((name) => name.startsWith('c-tm'));
const reasons = async () => (await world.jobStatus('j')).conditions.map(({ reason }) => reason);
const decisions = async () =>
  (await world.clients.flinkScalings.listScalingDecisions({ parent: 'flink-jobs/j' }))
    .scalingDecisions;

/** A job that runs on a cluster of one to four TaskManagers of two slots. */
async function scaledJob(strategy: Strategies, change: Partial<flink.FlinkScaling> = {}) {
  world.strategies = strategy;
  world.flink.counted = steady;
  await world.apply({ taskManagerCount: 1, maxTaskManagerCount: 4 });
  await seconds(4);
  await world.applyJob('j', { scaling: { ...scaling, ...change } });
  await seconds(3);
  expect(job().parallelism).toEqual({ source: 1, work: 1 });
}

describe('a job that is scaled', () => {
  test('gets its TaskManagers first and then its size, and gives them back after it has become smaller', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    await seconds(5);
    expect(strategy.asked.length).toBeGreaterThan(0);
    expect(taskManagers()).toHaveLength(1);
    strategy.wanted = 5;
    await second();
    expect([taskManagers().length, job().parallelism['work']]).toEqual([1, 1]);
    await second();
    expect(taskManagers()).toHaveLength(3);
    await seconds(2);
    expect(job().parallelism).toEqual({ source: 1, work: 5 });
    expect((await world.jobStatus('j')).size).toEqual({
      parallelism: { source: 1, work: 5 },
      slots: 5,
    });
    strategy.wanted = 1;
    await seconds(40);
    expect(job().parallelism).toEqual({ source: 1, work: 1 });
    expect(taskManagers()).toEqual(['c-tm-1 on a']);
  });

  test('is asked about with what its tasks counted, never with what they did not', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    await seconds(6);
    const { input, learned } = strategy.asked.at(-1)!;
    expect(learned).toBeDefined();
    expect(input.topology.vertices.map(({ id, keyGroups }) => [id, keyGroups])).toEqual([
      ['source', undefined],
      ['work', 24],
    ]);
    const sample = input.samples.at(-1)!;
    expect(sample.vertices['source']).toMatchObject({ lagRecords: 5, busyRatio: 0.5 });
    expect(sample.vertices['work']).not.toHaveProperty('lagRecords');
    expect(sample.vertices['work']).not.toHaveProperty('backpressuredRatio');
  });

  test('keeps its size through the loss of its JobManager and under another leader', async () => {
    const strategy = new Scripted();
    world.flink.completed = 0;
    await scaledJob(strategy);
    strategy.wanted = 4;
    await seconds(10);
    expect(job().parallelism).toEqual({ source: 1, work: 4 });
    world.forget();
    world.flink.jobs.splice(0);
    world.hosts.get('a')!.restart('c-jm-1');
    await seconds(6);
    expect(job().parallelism).toEqual({ source: 1, work: 4 });
    await seconds(6);
    expect(strategy.asked.at(-1)!.learned).toBeDefined();
  });

  test('has the parallelism of its spec again when it is scaled no more', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    strategy.wanted = 4;
    await seconds(10);
    await world.applyJob('j', { parallelism: 2 });
    await seconds(5);
    expect(job().parallelism).toEqual({ source: 2, work: 2 });
    expect((await world.jobStatus('j')).size).toBeUndefined();
  });

  test('that is paused keeps its size, and nobody is asked', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    strategy.wanted = 4;
    await seconds(10);
    await world.applyJob('j', { scaling: { ...scaling, paused: true } });
    await second();
    const asked = strategy.asked.length;
    strategy.wanted = 1;
    await seconds(60);
    expect([strategy.asked.length, job().parallelism['work']]).toEqual([asked, 4]);
  });

  test('hands nothing that one strategy has learned to another one', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    await seconds(5);
    await world.applyJob('j', { scaling: { ...scaling, strategy: '@acme/other' } });
    const before = strategy.asked.length;
    await seconds(2);
    expect(strategy.asked[before]!.learned).toBeUndefined();
    expect(strategy.asked.at(-1)!.learned).toBeDefined();
  });

  test('is stopped with its state and started anew where Flink refuses another size in place', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    world.flink.isRigid = true;
    strategy.wanted = 2;
    await seconds(8);
    expect(world.flink.calls.get('stopWithSavepoint')).toBeGreaterThan(0);
  });
});

describe('a strategy that', () => {
  test.each<[string, StrategyOutcome]>([
    ['STRATEGY_FAILED', { kind: 'failed', code: 'STRATEGY_FAILED', message: 'It threw.' }],
    ['STRATEGY_TIMED_OUT', { kind: 'failed', code: 'STRATEGY_TIMED_OUT', message: 'It hung.' }],
    [
      'STRATEGY_OUTPUT_INVALID',
      { kind: 'decided', decision: { action: { kind: 'grow' } } as never },
    ],
  ])(
    'gives no usable answer (%s) changes nothing, says so, and is asked again later',
    async (reason, outcome) => {
      const strategy = new Scripted();
      await scaledJob(strategy);
      strategy.outcome = outcome;
      await seconds(5);
      expect(await reasons()).toEqual([reason]);
      const asked = strategy.asked.length;
      await seconds(10);
      expect(strategy.asked.length).toBe(asked);
      strategy.outcome = undefined;
      strategy.wanted = 2;
      await seconds(40);
      expect(await reasons()).toEqual([]);
      expect(job().parallelism).toEqual({ source: 1, work: 2 });
    },
  );
});

describe('decisions', () => {
  test('are kept when they say something new, the one that changes something before it is carried out', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    await seconds(30);
    expect(await decisions()).toHaveLength(1);
    strategy.wanted = 2;
    await second();
    expect(job().parallelism['work']).toBe(1);
    const kept = await decisions();
    expect(kept.map(({ eventful }) => eventful)).toEqual([false, true]);
    expect(kept.at(-1)!.decision).toMatchObject({
      job: 'flink-jobs/j',
      strategy: { name: '@acme/scripted', version: '1.2.3' },
      result: { parallelism: { source: 1, work: 2 } },
    });
  });

  test('go with their job', async () => {
    await scaledJob(new Scripted());
    await seconds(10);
    expect(await decisions()).not.toEqual([]);
    await world.clients.flinkJobs.deleteFlinkJob({ name: 'flink-jobs/j' });
    expect(await decisions()).toEqual([]);
  });

  test('are not made while metrics are missing, or repeat themselves', async () => {
    const strategy = new Scripted();
    await scaledJob(strategy);
    await seconds(5);
    strategy.wanted = 2;
    world.flink.silent.set('c', 'FLINK_UNREACHABLE');
    await seconds(20);
    world.flink.silent.clear();
    const stopped = Number(world.clock.now() / 1000n);
    world.flink.counted = (vertex) => ({ ...steady(vertex, stopped), accumulateBusyTimeMs: 1 });
    const asked = strategy.asked.length;
    await second();
    expect(strategy.asked.length - asked).toBeLessThan(2);
  });
});
