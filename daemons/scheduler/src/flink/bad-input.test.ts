import { Code, TesseraError } from '@tessera/base';
import { jobIdOf } from '@tessera/flink';
import type { RunJar } from '@tessera/flink-rest';
import { flink } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { variables } from '../hosts/process-spec.ts';
import { FakeWorld } from './fake-world.ts';
import type { FlinkRest } from './job-manager.ts';

const { FLINK_JOB_PHASE_RUNNING, FLINK_JOB_PHASE_STOPPING } = flink.FlinkJobPhase;

let world: FakeWorld;
beforeEach(async () => {
  world = await FakeWorld.open('a', 'b');
  await world.apply();
  await lookOften(6);
});
afterEach(() => world[Symbol.asyncDispose]());

async function lookOften(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await world.look();
}

/** A look, while time passes. */
async function lookAsTimePasses(): Promise<void> {
  let isOver = false;
  const looking = world.look().finally(() => {
    isOver = true;
  });
  for (let seconds = 0; !isOver && seconds < 600; seconds++) await world.clock.advance(1_000);
  await looking;
}

/** What JobManagers answer from now on, until it is taken back. */
function answerInstead(change: (rest: FlinkRest) => Partial<FlinkRest>): () => void {
  const { flink: fake } = world;
  const rest = fake.rest.bind(fake);
  fake.rest = (url) => {
    const own = rest(url);
    return { ...own, ...change(own) };
  };
  return () => {
    fake.rest = rest;
  };
}

function invalidAnswer(): TesseraError {
  const reason = 'FLINK_ANSWER_INVALID';
  return new TesseraError({ code: Code.INTERNAL, reason, message: 'It sends a page.' });
}

const hanging = (signal?: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

const reasonsOf = ({ conditions }: { readonly conditions: readonly flink.FlinkCondition[] }) =>
  conditions.map(({ reason }) => reason);

describe('a job that fails whenever it runs', () => {
  test('is told of with its reason, and is stopped after some minutes', async () => {
    const { flink: fake } = world;
    fake.completed = 0;
    fake.restarts = 61;
    fake.restartedBy = 'java.lang.ArithmeticException: / by zero';
    await world.applyJob('j');
    await lookOften(4);
    const { phase, conditions } = await world.jobStatus('j');
    expect(phase).toBe(FLINK_JOB_PHASE_RUNNING);
    expect(conditions).toMatchObject([
      { reason: 'JOB_RESTARTING', message: expect.stringMatching('61 times .* by zero$') },
    ]);
    for (let i = 0; i < 40; i++) {
      fake.restarts += 8;
      await world.clock.advance(10_000);
      await world.look();
    }
    expect(await world.jobStatus('j')).toMatchObject({
      phase: FLINK_JOB_PHASE_STOPPING,
      lastFailure: expect.stringMatching('by zero$'),
    });
  });
});

describe('a JobManager that', () => {
  test.each<[what: string, answer: (signal?: AbortSignal) => Promise<never>]>([
    ['answers rubbish', () => Promise.reject(invalidAnswer())],
    ['hangs', hanging],
  ])('%s is told of on its jobs, and all stays as it was', async (_, answer) => {
    await world.applyJob('j');
    await lookOften(3);
    const before = await world.jobStatus('j');
    const processes = world.running();
    expect(before).toMatchObject({ phase: FLINK_JOB_PHASE_RUNNING, conditions: [] });
    const mend = answerInstead(() => ({ jobs: answer }));
    await world.applyJob('j', { parallelism: 3 });
    for (let i = 0; i < 5; i++) await lookAsTimePasses();
    const { deployed, attempt, phase, ...after } = await world.jobStatus('j');
    expect(reasonsOf(after)).toEqual(['JOBMANAGER_SILENT']);
    expect({ deployed, attempt, phase }).toMatchObject({
      ...{ deployed: before.deployed, attempt: before.attempt, phase: before.phase },
    });
    expect(world.running()).toEqual(processes);
    mend();
    // The last question that hangs ends with its time.
    for (let i = 0; i < 10; i++) await lookAsTimePasses();
    expect(await world.jobStatus('j')).toMatchObject({ attempt: 1n, conditions: [] });
  });

  test('answers rubbish for one job leaves the others alone', async () => {
    const { uid } = await world.applyJob('sick');
    await world.applyJob('well');
    await lookOften(3);
    answerInstead(({ job }) => ({
      job: (id, signal) =>
        id === jobIdOf(uid, 1) ? Promise.reject(invalidAnswer()) : job(id, signal),
    }));
    await world.applyJob('sick', { suspended: true });
    await world.applyJob('well', { suspended: true });
    await lookOften(3);
    const sick = await world.jobStatus('sick');
    expect([sick.phase, reasonsOf(sick)]).toEqual([FLINK_JOB_PHASE_RUNNING, ['JOBMANAGER_SILENT']]);
    const { FLINK_JOB_PHASE_STOPPING } = flink.FlinkJobPhase;
    expect(await world.jobStatus('well')).toMatchObject({ phase: FLINK_JOB_PHASE_STOPPING });
  });

  test('is started late, beside the one that has the jobs, is stopped, and nothing is asked of it', async () => {
    await world.applyJob('j');
    await lookOften(3);
    const [jobManager] = world.hosts.get('a')!.running();
    const spec = structuredClone(jobManager!.spec!);
    spec.environment[variables.flinkRest] = 'b:20500';
    await world.hosts.get('b')!.client.startProcess({ processId: 'c-jm-9', spec });
    const before = await world.jobStatus('j');
    await world.look();
    expect(world.running().filter((name) => name.includes('-jm-'))).toEqual(['c-jm-1 on a']);
    await lookOften(3);
    expect(await world.jobStatus('j')).toMatchObject({
      ...{ attempt: 1n, phase: FLINK_JOB_PHASE_RUNNING, deployed: before.deployed },
    });
    expect(world.flink.calls.get('stopWithSavepoint')).toBeUndefined();
    expect(await world.status()).toMatchObject({ haltsJobs: false, conditions: [] });
  });
});

test('a job that cannot restore what it is given says why, is given up, and never begins with less; others run', async () => {
  const begun: RunJar[] = [];
  answerInstead(({ runJar }) => ({
    runJar: (run, signal) => {
      begun.push(run);
      return runJar(run, signal);
    },
  }));
  await world.applyJob('well');
  await lookOften(3);
  begun.length = 0;
  world.flink.failure = 'java.lang.IllegalStateException: Cannot map checkpoint/savepoint state';
  const { uid } = await world.applyJob('j', { initialSavepoint: 'file:///old/savepoint-1' });
  const own = new Set(Array.from({ length: 20 }, (_, i) => jobIdOf(uid, i + 1)));
  for (let looks = 0; looks < 25; looks++) {
    await world.look();
    for (const [i, job] of world.flink.jobs.entries()) {
      if (own.has(job.id)) world.flink.jobs[i] = { ...job, state: 'FAILED' };
    }
  }
  const status = await world.jobStatus('j');
  expect(status).toMatchObject({ attempt: 5n, conditions: [{ reason: 'GIVEN_UP' }] });
  expect(status.conditions[0]!.message).toContain('Cannot map checkpoint/savepoint state');
  expect(begun.map(({ savepointPath }) => savepointPath)).toEqual(
    Array(5).fill('file:///old/savepoint-1'),
  );
  expect(await world.jobStatus('well')).toMatchObject({ attempt: 1n, conditions: [] });
});
