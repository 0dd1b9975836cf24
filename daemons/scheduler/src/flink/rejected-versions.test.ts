import { flink } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeWorld } from './fake-world.ts';

/** Clusters with a version that their processes cannot read: fake hosts end those. */
const unreadable = { configuration: { 'pekko.ask.timeout': 'rubbish' } };
const ofTaskManagers = { configuration: { 'taskmanager.registration.timeout': 'rubbish' } };
const up = ['c-jm-1 on a', 'c-tm-1 on a', 'c-tm-2 on a'];

let world: FakeWorld;
beforeEach(async () => {
  world = await FakeWorld.open('a', 'b');
});
afterEach(() => world[Symbol.asyncDispose]());

/** Looks once a second; jobs that are asked to stop have ended with their savepoint by the next look. */
async function lookFor(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    const asked = world.flink.calls.get('stopWithSavepoint');
    await world.clock.advance(1_000);
    await world.look();
    if (world.flink.calls.get('stopWithSavepoint') === asked) continue;
    const { jobs } = world.flink;
    jobs.push({ ...jobs.pop()!, state: 'FINISHED' });
  }
}
const host = () => world.hosts.get('a')!;
const stopped = () => host().steps.filter((step) => step.startsWith('stop'));

describe('a version that its processes cannot read', () => {
  beforeEach(async () => {
    world.flink.completed = 0;
    world.flink.savepoint = { status: 'COMPLETED', path: 'file:///state/sp' };
    await world.apply();
    await world.applyJob('j');
    await lookFor(15);
    expect(await world.status()).toMatchObject({ goodVersion: 1n, conditions: [] });
    expect(await world.jobStatus('j')).toMatchObject({ attempt: 1n, conditions: [] });
    host().steps.length = 0;
    host().printed.set('c-jm-1', "java.lang.IllegalArgumentException: Cannot parse 'rubbish'.\n");
  });

  test('is given up, and the last good one runs instead, with its jobs, also by a leader who is new', async () => {
    await world.apply(unreadable);
    await lookFor(30);
    for (const isNew of [false, true]) {
      if (isNew) world.forget();
      await lookFor(15);
      expect(world.running()).toEqual(up);
      expect(await world.status()).toMatchObject({
        ...{ version: 2n, goodVersion: 1n, waitsFor: '', haltsJobs: false },
        rejected: { version: 2n, process: 'processes/c-jm-1', host: 'hosts/a' },
      });
      const { FLINK_JOB_PHASE_RUNNING } = flink.FlinkJobPhase;
      expect(await world.jobStatus('j')).toMatchObject({
        ...{ phase: FLINK_JOB_PHASE_RUNNING, conditions: [], waitsFor: '' },
      });
    }
    expect((await world.status()).conditions).toMatchObject([
      {
        reason: 'CLUSTER_SPEC_REJECTED',
        message: expect.stringMatching(
          "^Version 2 is given up: c-jm-1 on a .* Version 1 runs instead.* Cannot parse 'rubbish'.$",
        ),
        metadata: { version: '2', goodVersion: '1', process: 'c-jm-1', host: 'a' },
      },
    ]);
  });

  test('is tried on one TaskManager only', async () => {
    await world.apply(ofTaskManagers);
    await lookFor(40);
    expect(world.running()).toEqual(up);
    expect(await world.status()).toMatchObject({
      ...{ waitsFor: '', conditions: [{ reason: 'CLUSTER_SPEC_REJECTED' }] },
      rejected: { version: 2n, process: 'processes/c-tm-1' },
    });
    expect(stopped()).toEqual(['stop c-tm-1', 'stop c-tm-1']);
  });

  test('is forgotten when a newer one is applied', async () => {
    await world.apply(unreadable);
    await lookFor(40);
    await world.apply({ configuration: { 'pekko.ask.timeout': '11 s' } });
    await lookFor(60);
    expect(await world.status()).toMatchObject({
      ...{ version: 3n, goodVersion: 3n, rejected: undefined, waitsFor: '', conditions: [] },
      goodSpec: { configuration: { 'pekko.ask.timeout': '11 s' } },
    });
    const { content } = host().processes.get('c-jm-1')!.spec!.files[0]!;
    expect(content).toContain('11 s');
  });

  test('is not tried while the cluster is paused, nor called given up when that was an earlier one', async () => {
    await world.apply(unreadable);
    await lookFor(40);
    await world.apply({ configuration: { 'pekko.ask.timeout': '12 s' } }, true);
    await lookFor(3);
    expect(await world.status()).toMatchObject({ version: 3n, conditions: [] });
    expect(world.running()).toEqual(up);
  });
});

test('a first version that its processes cannot read is told of, and there is nothing to go back to', async () => {
  await world.apply(unreadable);
  await lookFor(30);
  const status = await world.status();
  expect(status).toMatchObject({ version: 1n, goodVersion: 0n, rejected: undefined });
  expect(status.conditions.map(({ reason }) => reason)).toContain('PROCESS_ENDED');
  expect(stopped()).toEqual([]);
  await world.apply();
  await lookFor(15);
  expect(await world.status()).toMatchObject({ goodVersion: 2n, waitsFor: '', conditions: [] });
});
