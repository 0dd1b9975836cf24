import { describe, expect, test } from 'vitest';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import { jobIdOf, requestedTriggerIdOf } from './identity.ts';
import type { JobJournal } from './journal.ts';
import { nextJobAction } from './next-job-action.ts';
import type { ObservedJob, ObservedRun, ObservedSavepoint } from './observed-job.ts';

const spec: FlinkJobSpec = {
  cluster: 'c',
  program: { kind: 'jar', jar: 'j1' },
  parallelism: 2,
  upgradeMode: 'savepoint',
  state: 'running',
  rollback: true,
};
const jobId = jobIdOf('u', 1);
const runs: JobJournal = {
  attempt: 1,
  phase: { kind: 'running' },
  deployed: { jobId, spec, hasState: true, jobManagerRun: 'jm-1' },
  rejected: [],
  failures: 0,
};

function seen(savepoint?: Partial<ObservedSavepoint>, run: Partial<ObservedRun> = {}): ObservedJob {
  const known: ObservedRun = {
    ...{ state: 'RUNNING', parallelism: 2, checkpoints: 1, restarts: 0 },
    ...{ unbrokenCheckpoints: 1, isLagGrowing: false, ageMs: 60_000 },
    ...run,
  };
  return {
    jobManager: {
      run: 'jm-1',
      jobs: new Map([[jobId, known]]),
      savepoints: new Map(
        savepoint === undefined
          ? []
          : [
              [
                requestedTriggerIdOf(jobId, 'r1'),
                { progress: 'IN_PROGRESS', ageMs: 0, ...savepoint },
              ],
            ],
      ),
    },
    newestState: { kind: 'checkpoint', path: 'chk-7', id: 7 },
    slots: 4,
  };
}
const ask = (observed: ObservedJob, journal: JobJournal, wanted: object = {}) =>
  nextJobAction({ uid: 'u', spec, savepointRequest: 'r1', ...wanted }, observed, journal);
const begun = ask(seen(), runs).journal;
const outcomes = ({ savepoints = [] }: JobJournal) => savepoints.map(({ outcome }) => outcome);

describe('a savepoint that is asked for', () => {
  test('is begun once, written down before, and again under the same id until it is seen', () => {
    const first = ask(seen(), runs);
    expect(first.step).toMatchObject({
      kind: 'savepoint',
      jobId,
      triggerId: requestedTriggerIdOf(jobId, 'r1'),
    });
    expect(outcomes(first.journal)).toEqual([{ kind: 'in progress' }]);
    expect(ask(seen(), first.journal)).toEqual(first);
    const waiting = ask(seen({}), first.journal);
    expect(waiting.step).toBeUndefined();
    expect(waiting.waitsFor).toBe('the savepoint that was asked for to be complete');
  });

  test('is told of when it is complete, and not made again', () => {
    const done = ask(seen({ progress: 'COMPLETED', path: 's3://sp' }), begun);
    expect(outcomes(done.journal)).toEqual([{ kind: 'completed', path: 's3://sp' }]);
    expect([done.step, done.waitsFor]).toEqual([undefined, undefined]);
    expect(ask(seen(), done.journal)).toMatchObject({ journal: done.journal });
    expect(ask(seen(), done.journal).step).toBeUndefined();
    const another = ask(seen(), done.journal, { savepointRequest: 'r2' });
    expect(another.step?.kind).toBe('savepoint');
    expect(outcomes(another.journal)).toHaveLength(2);
  });

  test('is nothing that the job goes on from', () => {
    const { journal } = ask(seen({ progress: 'COMPLETED', path: 's3://sp' }), begun);
    expect(journal.restore).toBeUndefined();
  });

  test.each<[string, ReturnType<typeof ask>, RegExp]>([
    ['it fails', ask(seen({ progress: 'FAILED', failure: 'disk full' }), begun), /disk full/],
    [
      'the job ends before',
      ask(seen(undefined, { state: 'CANCELED' }), begun),
      /was stopped before it was complete/,
    ],
  ])('has failed when %s, and says why', (_, { journal }, why) => {
    expect(outcomes(journal)).toMatchObject([
      { kind: 'failed', failure: expect.stringMatching(why) },
    ]);
  });

  test('waits for tasks to run, for what the job itself needs, and for a job that is stopped', () => {
    const unready = ask(seen(undefined, { unreadyMs: 10 }), runs);
    expect(unready.step).toBeUndefined();
    expect(unready.waitsFor).toContain('all tasks of the job to run');
    const rescaled = ask(seen(), runs, { spec: { ...spec, parallelism: 3 } });
    expect(rescaled.step?.kind).toBe('rescale');
    const stopped: JobJournal = { ...runs, phase: { kind: 'stopped' } };
    const suspended = ask(seen(), stopped, { spec: { ...spec, state: 'suspended' } });
    expect([suspended.step, suspended.waitsFor]).toEqual([undefined, undefined]);
  });

  test('has failed at once when the job is a batch job', () => {
    const { step, journal } = ask(seen(undefined, { isBatch: true }), runs);
    expect(step).toBeUndefined();
    expect(outcomes(journal)).toMatchObject([{ kind: 'failed' }]);
    expect(ask(seen(undefined, { isBatch: true }), journal).journal).toEqual(journal);
  });

  test('is forgotten after ten others', () => {
    const journal = Array.from({ length: 12 }).reduce<JobJournal>((before, _, i) => {
      const request = `n${i}`;
      const { journal: asked } = ask(seen(), before, { savepointRequest: request });
      const savepoints = asked.savepoints?.map((one) => {
        return { ...one, outcome: { kind: 'completed', path: one.request } as const };
      });
      return { ...asked, ...(savepoints && { savepoints }) };
    }, runs);
    expect(journal.savepoints?.map(({ request }) => request)).toEqual(
      Array.from({ length: 10 }, (_, i) => `n${i + 2}`),
    );
  });
});
