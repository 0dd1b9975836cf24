import { jobIdOf } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeWorld, jobSpec } from './fake-world.ts';

let world: FakeWorld;
beforeEach(async () => {
  world = await FakeWorld.open('a', 'b');
});
afterEach(() => world[Symbol.asyncDispose]());

/** Looks until nothing is told to any host any more. */
async function settle(): Promise<void> {
  for (let looks = 0; looks < 50; looks++) {
    const before = stepsTaken();
    await world.look();
    if (stepsTaken() === before && (await world.status().catch(() => undefined))?.waitsFor === '')
      return;
  }
}
const stepsTaken = () =>
  [...world.hosts.values()].reduce((sum, { steps }) => sum + steps.length, 0);
const up = ['c-jm-1 on a', 'c-tm-1 on a', 'c-tm-2 on a'];

describe('a cluster', () => {
  test('comes up as it is placed: the JobManager, and the others once it answers', async () => {
    await world.apply();
    await world.look();
    expect(world.running()).toEqual(['c-jm-1 on a']);
    expect(await world.status()).toMatchObject({
      version: 1n,
      waitsFor: 'the JobManager to answer',
    });
    expect((await world.status()).started).toMatchObject([{ process: 'processes/c-jm-1' }]);
    await settle();
    expect(world.running()).toEqual(up);
    expect(await world.status()).toMatchObject({ waitsFor: '', haltsJobs: false, conditions: [] });
  });

  test('is written down and told nothing when all is as wanted, also to a leader who is new', async () => {
    await world.apply();
    await settle();
    const [steps, { revision }] = [stepsTaken(), await world.status()];
    await world.look();
    world.forget();
    await world.look();
    expect([stepsTaken(), (await world.status()).revision]).toEqual([steps, revision]);
  });

  test('has its changed files put there again', async () => {
    await world.apply();
    await settle();
    const host = world.hosts.get('a')!;
    const jobManager = host.processes.get('c-jm-1')!;
    const changedFiles = ['conf/config.yaml'];
    host.processes.set('c-jm-1', { ...jobManager, changedFiles });
    await world.look();
    expect(host.steps.at(-1)).toBe('restore c-jm-1');
    expect((await world.status()).conditions).toMatchObject([{ reason: 'FILE_CHANGED_BY_HAND' }]);
    await world.look();
    expect((await world.status()).conditions).toEqual([]);
  });

  test('is put right when somebody has started one of its processes otherwise', async () => {
    await world.apply();
    await settle();
    const host = world.hosts.get('a')!;
    const worker = host.processes.get('c-tm-1')!;
    const spec = { ...worker.spec!, argv: [...worker.spec!.argv, '-Dother'] };
    host.processes.set('c-tm-1', { ...worker, spec });
    await settle();
    expect(host.steps.slice(-2)).toEqual(['stop c-tm-1', 'start c-tm-1']);
    expect(host.processes.get('c-tm-1')!.spec).toEqual(worker.spec);
  });

  test('starts nothing on a host before the bundle is there', async () => {
    for (const { artifacts } of world.hosts.values()) artifacts.clear();
    await world.apply();
    await world.look();
    expect(world.running()).toEqual([]);
    expect((await world.status()).waitsFor).toBe('host a to have the bundle of Flink');
  });

  test('goes on elsewhere with what a host did that has been removed', async () => {
    await world.apply();
    await settle();
    await world.remove('a');
    await settle();
    expect(world.running()).toEqual(['c-jm-2 on b', 'c-tm-3 on b', 'c-tm-4 on b']);
  });

  test('ends with all its processes when it is deleted, and is forgotten then', async () => {
    await world.apply();
    await settle();
    await world.clients.flinkClusters.deleteFlinkCluster({ name: 'flink-clusters/c' });
    for (let looks = 0; looks < 5; looks++) await world.look();
    expect(world.running()).toEqual([]);
    expect([...world.hosts.get('a')!.processes.keys()]).toEqual([]);
    const { flinkClusterStatuses } = await world.clients.flinkClusters.listFlinkClusterStatuses({});
    expect(flinkClusterStatuses).toEqual([]);
  });

  test('that is paused, or cannot be placed, is left as it is', async () => {
    await world.apply();
    await settle();
    const steps = stepsTaken();
    await world.apply({ taskManagerCount: 3 }, true);
    await world.look();
    expect((await world.status()).waitsFor).toBe('somebody to let it go on: it is paused');
    await world.apply({ hosts: { labels: { none: 'such' }, racks: [], hosts: [] } });
    await world.look();
    const status = await world.status();
    expect(status.conditions.map(({ reason }) => reason)).toContain('DRAIN_BLOCKED');
    expect(status.placement).toHaveLength(3);
    expect([stepsTaken(), world.running()]).toEqual([steps, up]);
  });
});

describe('jobs', () => {
  /** Of which each has proved stable, runs, and is as it is wanted. */
  async function settledJobs(count: number): Promise<void> {
    const { flinkJobs } = world.clients;
    for (let i = 0; i < count; i++) {
      const { uid } = await world.applyJob(`j${i}`);
      const jobId = jobIdOf(uid, 1);
      const jobManagerRun = await world.flink.rest(await world.restUrl()).jobManagerRun();
      await flinkJobs.updateFlinkJobStatus({
        flinkJobStatus: {
          ...{ name: `flink-job-statuses/j${i}`, version: 1n, attempt: 1n },
          phase: flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING,
          deployed: { jobId, spec: jobSpec, hasState: true, jobManagerRun },
          stableSpec: jobSpec,
        },
      });
      const times = { startedAtMs: 1, endedAtMs: undefined, changedAtMs: 1 };
      world.flink.jobs.push({ id: jobId, name: `j${i}`, state: 'RUNNING', ...times });
    }
  }

  test('500 of them that are as they are wanted cost one look at their JobManager, and no write', async () => {
    await world.apply();
    await settle();
    await settledJobs(500);
    await world.look();
    const { revision } = await world.clients.flinkJobs.listFlinkJobStatuses({});
    world.flink.calls.clear();
    await world.look();
    expect(Object.fromEntries(world.flink.calls)).toEqual({
      jobManagerRun: 2,
      taskManagers: 1,
      jobs: 1,
    });
    expect((await world.clients.flinkJobs.listFlinkJobStatuses({})).revision).toBe(revision);
  });

  const { FLINK_JOB_PHASE_RUNNING, FLINK_JOB_PHASE_STARTING } = flink.FlinkJobPhase;
  const lookOften = async (count: number) => {
    for (let i = 0; i < count; i++) await world.look();
  };

  test('are written down, submitted once under the id of their attempt, and run', async () => {
    await world.apply();
    await settle();
    const { uid } = await world.applyJob('j');
    await lookOften(3);
    expect(world.flink.jobs.map(({ id }) => id)).toEqual([jobIdOf(uid, 1)]);
    const running = { phase: FLINK_JOB_PHASE_RUNNING, attempt: 1n, waitsFor: '' };
    expect(await world.jobStatus('j')).toMatchObject({ ...running, jobUid: uid });
    world.forget();
    await lookOften(3);
    expect(world.flink.jobs).toHaveLength(1);
  });

  test('are given up when Flink refuses them again and again, and say why; others run', async () => {
    await world.apply();
    await settle();
    world.flink.refused.add(7);
    await world.applyJob('bad', { parallelism: 7 });
    await world.applyJob('good');
    await lookOften(20);
    const { attempt, conditions } = await world.jobStatus('bad');
    expect(attempt).toBe(5n);
    expect(conditions.map(({ reason }) => reason)).toEqual(['GIVEN_UP', 'FLINK_REFUSED']);
    expect(await world.jobStatus('good')).toMatchObject({ phase: FLINK_JOB_PHASE_RUNNING });
  });

  test('hold up no other while their program takes long, and are not submitted twice meanwhile', async () => {
    await world.apply();
    await settle();
    world.flink.slow.parallelism = 9;
    await world.applyJob('slow', { parallelism: 9 });
    const looking = world.look();
    await expect.poll(() => world.jobStatus('slow').catch(() => undefined)).toBeDefined();
    await world.clock.advance(1_000);
    await looking;
    await world.applyJob('other');
    await lookOften(3);
    expect(await world.jobStatus('other')).toMatchObject({ phase: FLINK_JOB_PHASE_RUNNING });
    expect(await world.jobStatus('slow')).toMatchObject({ phase: FLINK_JOB_PHASE_STARTING });
    world.flink.slow.gate.resolve();
    await expect.poll(() => world.flink.jobs.length).toBe(2);
    await lookOften(2);
    expect(await world.jobStatus('slow')).toMatchObject({ phase: FLINK_JOB_PHASE_RUNNING });
    expect(world.flink.jobs).toHaveLength(2);
  });
});
