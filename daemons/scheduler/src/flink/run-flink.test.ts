import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { jobIdOf } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
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
  test('comes up as it is placed: the JobManager, and the others beside it', async () => {
    await world.apply();
    await world.look();
    const starts = ['c-jm-1', 'c-tm-1', 'c-tm-2'];
    expect(world.hosts.get('a')!.steps).toEqual(starts.map((id) => `start ${id}`));
    expect(await world.status()).toMatchObject({
      ...{ version: 1n, waitsFor: 'the JobManager to answer' },
      started: starts.map((id) => ({ process: `processes/${id}` })),
    });
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

  test('says what a process has ended by that does not stay up', async () => {
    await world.apply();
    await settle();
    const host = world.hosts.get('a')!;
    host.printed.set(
      'c-jm-1',
      "Caused by: java.lang.Exception: Could not parse 'x' for key 'y'.\n",
    );
    host.crash('c-jm-1');
    await world.look();
    expect((await world.status()).conditions).toContainEqual(
      expect.objectContaining({
        reason: 'PROCESS_ENDED',
        message: expect.stringMatching("Reason: .*for key 'y'"),
      }),
    );
  });

  test('is put right when somebody has started one of its processes otherwise', async () => {
    await world.apply();
    await settle();
    await lookFor(11); // Until they count as up.
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

  test('waits for room in the quota that it shares, and says so, until the other cluster is smaller', async () => {
    world.quotas = new Map([['team', { slots: 6 }]]);
    await world.apply({ quota: 'team', taskManagerCount: 3 });
    await settle();
    await world.apply({ quota: 'team', taskManagerCount: 2 }, false, 'd');
    await world.look();
    const onlyFirst = ['c-jm-1 on a', 'c-tm-1 on a', 'c-tm-2 on a', 'c-tm-3 on a'];
    expect(world.running()).toEqual(onlyFirst);
    expect(await world.status('d')).toMatchObject({
      waitsFor: 'room in its quota',
      conditions: [{ reason: 'QUOTA_EXCEEDED', metadata: { quota: 'team', allowed: '0' } }],
    });
    await world.apply({ quota: 'team', taskManagerCount: 1 });
    await settle();
    await world.look();
    expect(world.running()).toEqual([
      ...['c-jm-1 on a', 'c-tm-1 on a'],
      ...['d-jm-1 on a', 'd-tm-1 on a', 'd-tm-2 on a'],
    ]);
    expect((await world.status('d')).conditions).toEqual([]);
  });

  test('waits for its quota to be declared, and starts when it is', async () => {
    await world.apply({ quota: 'team' });
    await world.look();
    expect(world.running()).toEqual([]);
    expect(await world.status()).toMatchObject({
      waitsFor: 'its quota to be declared',
      conditions: [{ reason: 'FLINK_QUOTA_UNDECLARED', metadata: { quota: 'team' } }],
    });
    world.quotas = new Map([['team', { slots: 4 }]]);
    await settle();
    expect(world.running()).toEqual(up);
    expect((await world.status()).conditions).toEqual([]);
  });

  test('goes on elsewhere with what a host did that has been removed', async () => {
    await world.apply();
    await settle();
    await world.remove('a');
    await settle();
    expect(world.running()).toEqual(['c-jm-2 on b', 'c-tm-3 on b', 'c-tm-4 on b']);
  });

  /** Looks at everything once a second. */
  async function lookFor(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await world.clock.advance(1_000);
      await world.look();
    }
  }
  const elsewhere = ['c-jm-2 on b', 'c-tm-3 on b', 'c-tm-4 on b'];
  const onB = () => world.running().filter((process) => process.endsWith('on b'));

  test('goes on elsewhere with what a host did that is cut off, when it is certain that it has ended, and not sooner', async () => {
    await world.apply();
    await settle();
    await world.cutOff('a', 'second');
    await lookFor(40);
    expect(onB()).toEqual([]);
    expect((await world.status()).waitsFor).toContain('host a to answer, or to be known as lost');
    await lookFor(2);
    expect(onB()).toContain('c-jm-2 on b');
    await settle();
    expect(onB()).toEqual(elsewhere);
    await world.comeBack('a');
    await settle();
    expect(world.running()).toEqual(elsewhere);
  });

  test('counts anew when a host had contact again, even if nobody saw it', async () => {
    await world.apply();
    await settle();
    await world.cutOff('a', 'second');
    await lookFor(39);
    await world.comeBack('a');
    await world.cutOff('a', 'third');
    await lookFor(40);
    expect(onB()).toEqual([]);
    await lookFor(3);
    expect(onB()).toContain('c-jm-2 on b');
  });

  test('on a host that comes and goes every few seconds keeps its processes, starts none twice, and says so', async () => {
    await world.apply();
    await settle();
    const steps = stepsTaken();
    for (let i = 0; i < 20; i++) {
      await world.vanish('a');
      await lookFor(4);
      await world.appear('a');
      await lookFor(2);
    }
    expect([stepsTaken(), world.running()]).toEqual([steps, up]);
    expect((await world.status()).conditions).toMatchObject([
      { reason: 'HOST_UNSTEADY', metadata: { hosts: 'a' } },
    ]);
    await lookFor(300);
    expect(await world.status()).toMatchObject({ waitsFor: '', conditions: [] });
  });

  test('on a host that is away for longer again and again moves once, and not back to it', async () => {
    await world.apply();
    await settle();
    const reasons: string[] = [];
    for (let i = 0; i < 5; i++) {
      await world.cutOff('a', `session ${i}`);
      await lookFor(20);
      reasons.push(...(await world.status()).conditions.map(({ reason }) => reason));
      await lookFor(30);
      await world.comeBack('a');
      await lookFor(20);
    }
    expect(world.running()).toEqual(elsewhere);
    const starts = world.hosts.get('b')!.steps.filter((step) => step.startsWith('start'));
    expect(starts).toHaveLength(elsewhere.length);
    expect(reasons).toEqual(['HOST_SILENT']);
  });

  const proofsOf = async () => {
    const { stateDirectoryProofs } = await world.status();
    return stateDirectoryProofs.map(({ host, seen }) => `${host} ${seen}`);
  };

  test('is not placed on a host that does not see its state directory as the others do, and says so until it does', async () => {
    const [a, b] = [world.hosts.get('a')!, world.hosts.get('b')!];
    a.mounted = new Map();
    await world.apply({ hosts: { labels: {}, racks: [], hosts: ['hosts/a', 'hosts/b'] } });
    await settle();
    expect(world.running()).toEqual(up);
    expect(await proofsOf()).toEqual(['hosts/a true', 'hosts/b false']);
    const [condition] = (await world.status()).conditions;
    expect(condition).toMatchObject({ reason: 'STATE_DIRECTORY_UNSEEN', metadata: { hosts: 'b' } });
    b.mounted = a.mounted;
    await lookFor(31);
    expect(await proofsOf()).toEqual(['hosts/a true', 'hosts/b true']);
    expect((await world.status()).conditions).toEqual([]);
  });

  test('leaves a host that has lost its state directory', async () => {
    await world.apply();
    await settle();
    await world.clients.hosts.updateHost({
      host: { name: 'hosts/b', session: 'again' },
      updateMask: ['session'],
    });
    await world.look();
    expect(await proofsOf()).toEqual(['hosts/a true', 'hosts/b true']);
    const b = world.hosts.get('b')!;
    const probes = b.probesTaken;
    await lookFor(60);
    expect(b.probesTaken).toBe(probes);
    b.mounted = new Map();
    await world.clients.hosts.updateHost({
      host: { name: 'hosts/b', session: 'third' },
      updateMask: ['session'],
    });
    await lookFor(2);
    expect(await proofsOf()).toEqual(['hosts/a true', 'hosts/b false']);
    expect(world.running()).toEqual(up);
  });

  test('whose state directory only Flink can see says that nobody has proved it', async () => {
    await world.apply({ stateDirectory: 's3://bucket/state' });
    await settle();
    expect(world.running()).toEqual(up);
    expect((await world.status()).conditions).toMatchObject([
      { reason: 'STATE_DIRECTORY_UNPROVABLE' },
    ]);
  });

  test.each([
    { silence: 'FLINK_UNREACHABLE', how: 'hangs' },
    { silence: 'FLINK_ANSWER_INVALID', how: 'answers rubbish' },
  ])(
    'whose JobManager $how says so, and has it started again more and more rarely; others are left alone',
    async ({ silence }) => {
      await world.apply();
      await world.apply({}, false, 'd');
      await settle();
      const host = world.hosts.get('a')!;
      host.steps.length = 0;
      world.flink.silent.set('c', silence);
      await lookFor(30);
      expect(await world.status()).toMatchObject({
        waitsFor: 'the JobManager to answer',
        conditions: [],
      });
      await lookFor(2);
      expect((await world.status()).conditions).toMatchObject([
        { reason: 'JOBMANAGER_SILENT', metadata: { process: 'c-jm-1', host: 'a', cause: silence } },
      ]);
      await lookFor(88);
      expect(host.steps).toEqual([]);
      await lookFor(2);
      expect(host.steps).toEqual(['stop c-jm-1', 'start c-jm-1']);
      await lookFor(700); // After 2, 4 and 8 minutes; the next time comes after 16.
      expect(host.steps).toHaveLength(6);
      expect((await world.status('d')).waitsFor).toBe('');
      world.flink.silent.clear();
      await world.look();
      await settle();
      expect(await world.status()).toMatchObject({ waitsFor: '', conditions: [] });
    },
  );

  test('waits for a host that does not promise to end what runs there', async () => {
    await world.clients.hosts.updateHost({
      host: { name: 'hosts/a' },
      updateMask: ['cut_off_after'],
    });
    await world.apply();
    await settle();
    await world.cutOff('a', 'second');
    await lookFor(120);
    expect(onB()).toEqual([]);
  });

  test('leaves a host that is drained with all its processes', async () => {
    await world.apply();
    await settle();
    await world.clients.hosts.updateHost({
      host: { name: 'hosts/a', draining: true },
      updateMask: ['draining'],
    });
    await settle();
    expect(world.running()).toEqual(elsewhere);
    expect((await world.status()).started.map(({ host }) => host)).not.toContain('hosts/a');
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
      world.flink.addJob(jobId);
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

  test('whose step cannot be taken are tried again later and later, and say why until then; others run', async () => {
    await world.apply();
    await settle();
    world.flink.lost.add(7);
    await world.applyJob('lost', { parallelism: 7 });
    await world.applyJob('fine');
    for (let seconds = 0; seconds < 20; seconds++) {
      await world.look();
      await world.clock.advance(1_000);
    }
    expect(world.flink.calls.get('runJar 7')).toBe(5); // After 0, 1, 3, 7 and 15 s.
    expect(await world.jobStatus('lost')).toMatchObject({
      attempt: 1n,
      conditions: [{ reason: 'FLINK_UNREACHABLE' }],
    });
    expect((await world.jobStatus('fine')).waitsFor).toBe('');
    world.flink.lost.clear();
    await world.clock.advance(30_000);
    await world.look();
    await world.look();
    expect(await world.jobStatus('lost')).toMatchObject({
      ...{ attempt: 1n, phase: FLINK_JOB_PHASE_RUNNING, conditions: [] },
    });
  });

  test('that fail say why until their spec is changed', async () => {
    await world.apply();
    await settle();
    world.flink.failure = 'org.Root: no such topic';
    await world.applyJob('j');
    for (let looks = 0; looks < 20; looks++) {
      await world.look();
      for (const [i, job] of world.flink.jobs.entries()) {
        world.flink.jobs[i] = { ...job, state: 'FAILED' };
      }
    }
    const { attempt, conditions, lastFailure } = await world.jobStatus('j');
    expect([attempt, lastFailure]).toEqual([5n, 'org.Root: no such topic']);
    expect(conditions).toMatchObject([
      { reason: 'GIVEN_UP', message: expect.stringMatching('org.Root: no such topic$') },
    ]);
    expect(world.flink.calls.get('endedBy')).toBe(5); // Once for each attempt.
    await world.applyJob('j', { parallelism: 2 });
    await lookOften(2);
    expect(await world.jobStatus('j')).toMatchObject({ attempt: 6n, conditions: [] });
  });

  test('that have ended before their JobManager was lost are not run again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-'));
    world.flink.completed = 0; // Then there is no state that would be missed.
    try {
      await world.apply({ stateDirectory: pathToFileURL(folder).href });
      await settle();
      const { uid } = await world.applyJob('ended');
      await world.applyJob('lost');
      await lookOften(3);
      const jobId = jobIdOf(uid, 1);
      const answer = { path: `/jobs/${jobId}`, json: JSON.stringify({ state: 'FINISHED' }) };
      mkdirSync(join(folder, 'ended-jobs'));
      writeFileSync(join(folder, 'ended-jobs', jobId), JSON.stringify({ archive: [answer] }));
      world.flink.jobs.splice(0); // As the next JobManager, which knows none of them.
      await lookOften(3);
      expect(await world.jobStatus('ended')).toMatchObject({
        ...{ attempt: 1n, phase: flink.FlinkJobPhase.FLINK_JOB_PHASE_FINISHED },
      });
      expect(await world.jobStatus('lost')).toMatchObject({ attempt: 2n });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('leave nothing in the archive that is not asked for again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-'));
    const archived = () => readdirSync(join(folder, 'ended-jobs')).sort();
    world.flink.completed = 0;
    try {
      await world.apply({ stateDirectory: pathToFileURL(folder).href });
      await settle();
      const { uid } = await world.applyJob('j');
      await lookOften(3);
      const ids = [1, 2].map((attempt) => jobIdOf(uid, attempt));
      mkdirSync(join(folder, 'ended-jobs'));
      for (const name of [...ids, 'foreign']) writeFileSync(join(folder, 'ended-jobs', name), '');
      world.flink.jobs.splice(0); // It was lost: its next attempt begins.
      await lookOften(3);
      expect(await world.jobStatus('j')).toMatchObject({ attempt: 2n });
      expect(archived()).toEqual([...ids, 'foreign'].sort());
      await world.clock.advance(60_000);
      await world.look();
      await expect.poll(archived).toEqual([ids[1]!, 'foreign'].sort());
      await world.clients.flinkJobs.deleteFlinkJob({ name: 'flink-jobs/j' });
      await world.look();
      world.flink.jobs[0] = { ...world.flink.jobs[0]!, state: 'CANCELED' };
      await lookOften(3);
      await expectReason(world.jobStatus('j'), 'FLINK_JOB_STATUS_NOT_FOUND');
      await world.clock.advance(60_000);
      await world.look();
      await expect.poll(archived).toEqual(['foreign']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('are stopped with a savepoint only when all their tasks run', async () => {
    await world.apply();
    await settle();
    await world.applyJob('j');
    await lookOften(3);
    world.flink.areTasksRunning = false;
    await world.applyJob('j', { suspended: true });
    await lookOften(2);
    const early = await world.jobStatus('j');
    expect(early).toMatchObject({ phase: FLINK_JOB_PHASE_RUNNING });
    expect(early.waitsFor).toContain('all tasks of the job to run');
    world.flink.areTasksRunning = true;
    await world.look();
    expect(world.flink.calls.get('stopWithSavepoint')).toBe(1);
  });

  test('have a savepoint made when somebody asks for one, and go on; the status says where it is and when it was made', async () => {
    await world.apply();
    await settle();
    await world.applyJob('j');
    await lookOften(3);
    const { version } = await world.clients.flinkJobs.updateFlinkJob({
      flinkJob: { name: 'flink-jobs/j', savepointRequest: 'before-friday' },
      updateMask: ['savepoint_request'],
    });
    await world.look();
    const { FLINK_SAVEPOINT_STATE_IN_PROGRESS, FLINK_SAVEPOINT_STATE_COMPLETED } =
      flink.FlinkSavepointState;
    const begun = { request: 'before-friday', state: FLINK_SAVEPOINT_STATE_IN_PROGRESS };
    expect(await world.jobStatus('j')).toMatchObject({ savepoints: [begun] });
    world.flink.savepoint = { status: 'COMPLETED', path: 'file:///state/sp' };
    await lookOften(3);
    const { savepoints, phase, attempt, waitsFor } = await world.jobStatus('j');
    const [done] = savepoints;
    expect(done).toMatchObject({
      state: FLINK_SAVEPOINT_STATE_COMPLETED,
      path: 'file:///state/sp',
      startTime: expect.anything(),
      endTime: expect.anything(),
    });
    expect(world.flink.calls.get('triggerSavepoint')).toBe(1);
    expect({ phase, attempt, waitsFor, version }).toEqual({
      ...{ phase: FLINK_JOB_PHASE_RUNNING, attempt: 1n, waitsFor: '', version: 1n },
    });
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
