import { describe, expect, test } from 'vitest';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import { jobIdOf } from './identity.ts';
import type { JobJournal } from './journal.ts';
import { nextJobAction, type WantedJob } from './next-job-action.ts';
import type { ObservedJob, ObservedRun } from './observed-job.ts';

const jobId = jobIdOf('u', 1);
const spec: FlinkJobSpec = {
  cluster: 'c',
  program: { kind: 'jar', jar: 'j1' },
  parallelism: 64,
  upgradeMode: 'savepoint',
  state: 'running',
  rollback: true,
};
const journal: JobJournal = {
  attempt: 1,
  phase: { kind: 'running' },
  deployed: { jobId, spec, hasState: true, jobManagerRun: 'jm-1' },
  rejected: [],
  failures: 0,
};
const size = { parallelism: { v: 64 }, slots: 64 };

function ask(run: Partial<ObservedRun>, wanted: Partial<WantedJob> = {}) {
  const known: ObservedRun = {
    ...{ state: 'RUNNING', parallelism: 64, vertices: { v: 64 }, checkpoints: 1, restarts: 0 },
    ...{ unbrokenCheckpoints: 1, isLagGrowing: false, ageMs: 60_000, ...run },
  };
  const jobManager = { run: 'jm-1', jobs: new Map([[jobId, known]]), savepoints: new Map() };
  const observed: ObservedJob = { jobManager, newestState: 'none', slots: 2 };
  return nextJobAction({ uid: 'u', spec, ...wanted }, observed, journal);
}

describe('a job that runs with fewer subtasks than it is wanted with', () => {
  test('is not as it is wanted, and says what has to be done', () => {
    const { step, waitsFor, conditions } = ask({ subtasks: 2 });
    expect(step).toBeUndefined();
    expect(waitsFor).toBe('slots for parallelism 64: it runs with 2');
    expect(conditions).toMatchObject([
      { reason: 'RUNS_SMALLER', message: expect.stringContaining('2 of 64 subtasks') },
    ]);
  });

  test.each<[string, ReturnType<typeof ask>]>([
    ['it has all of them', ask({ subtasks: 64 })],
    ['that is not known', ask({})],
    ['scaling looks after its size', ask({ subtasks: 2 }, { size })],
  ])('is not said to be so when %s', (_, { waitsFor, conditions }) => {
    expect([waitsFor, conditions]).toEqual([undefined, []]);
  });

  test('waits for it without a complaint while its tasks only begin', () => {
    const { waitsFor, conditions } = ask({ subtasks: 2, unreadyMs: 10 });
    expect([waitsFor, conditions]).toEqual(['parallelism 64', []]);
  });

  test('is stopped and given savepoints all the same', () => {
    const short = { subtasks: 2 };
    expect(ask(short, { spec: { ...spec, state: 'suspended' } }).step?.kind).toBe(
      'stopWithSavepoint',
    );
    const asked = ask(short, { savepointRequest: 'r1' });
    expect(asked.step?.kind).toBe('savepoint');
    expect(asked.conditions).toMatchObject([{ reason: 'RUNS_SMALLER' }]);
  });
});
