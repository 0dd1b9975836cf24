import { describe, expect, test } from 'vitest';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobDecision } from './decision.ts';
import { jobIdOf, specDigest } from './identity.ts';
import { emptyJournal, type JobJournal, type StatePoint } from './journal.ts';
import { nextJobAction } from './next-job-action.ts';
import type { ObservedJob, ObservedRun, SavepointProgress } from './observed-job.ts';

const spec: FlinkJobSpec = {
  cluster: 'c',
  program: { kind: 'jar', jar: 'j1' },
  parallelism: 2,
  upgradeMode: 'savepoint',
  state: 'running',
  rollback: true,
};
const upgraded: FlinkJobSpec = { ...spec, program: { kind: 'jar', jar: 'j2' } };
const [first, second] = [jobIdOf('u', 1), jobIdOf('u', 2)];
const checkpoint: StatePoint = { kind: 'checkpoint', path: 'chk-7', id: 7 };
const running: ObservedRun = {
  state: 'RUNNING',
  parallelism: 2,
  checkpoints: 1,
  unbrokenCheckpoints: 1,
  restarts: 0,
  isLagGrowing: false,
  ageMs: 60_000,
};

interface Seen extends Partial<Omit<ObservedJob, 'jobManager'>> {
  readonly run?: string;
  readonly jobs?: readonly (readonly [string, Partial<ObservedRun>])[];
  /** They have been seen so for long. */
  readonly savepoints?: readonly (readonly [string, SavepointProgress])[];
  readonly savepointAgeMs?: number;
}

function seen(facts: Seen = {}): ObservedJob {
  const {
    run = 'jm-1',
    jobs = [],
    savepoints = [],
    savepointAgeMs: ageMs = 60_000,
    ...rest
  } = facts;
  return {
    jobManager: {
      run,
      jobs: new Map(jobs.map(([id, job]) => [id, { ...running, ...job }])),
      savepoints: new Map(savepoints.map(([id, progress]) => [id, { progress, ageMs }])),
    },
    newestState: 'none',
    slots: 4,
    ...rest,
  };
}
const silent = (): ObservedJob => ({ newestState: 'none', slots: 4 });
const ask = (wanted: FlinkJobSpec | undefined, observed: ObservedJob, journal: JobJournal) =>
  nextJobAction({ uid: 'u', ...(wanted && { spec: wanted }) }, observed, journal);
const started = ask(spec, seen(), emptyJournal).journal;
const runs = ask(spec, seen({ jobs: [[first, {}]], newestState: checkpoint }), started).journal;
const reasons = ({ conditions }: JobDecision) => conditions.map(({ reason }) => reason);

describe('a job that Flink restarts again and again', () => {
  const told = { checkpoints: 0, restarts: 61, lateRestarts: 61, failure: '/ by zero' };
  const looping = (change: Partial<ObservedRun> = {}) =>
    seen({ jobs: [[first, { ...told, ...change }]], newestState: 'none' });
  const begun = ask(spec, seen({ jobs: [[first, { checkpoints: 0 }]] }), started).journal;
  const late = { ageMs: 301_000 };

  test('says so, and why, though it looks as if it ran', () => {
    const { conditions, waitsFor } = ask(spec, looping(), begun);
    expect(conditions).toMatchObject([
      { reason: 'JOB_RESTARTING', message: expect.stringMatching('61 times .* by zero$') },
    ]);
    expect(waitsFor).toBe('a checkpoint between two restarts');
    expect(reasons(ask(spec, looping({ lateRestarts: 2 }), begun))).toEqual([]);
  });

  test('is given up when its specification never proved stable, with the reason', () => {
    expect(ask(spec, looping(), begun).journal.phase.kind).toBe('running');
    const { journal } = ask(spec, looping(late), begun);
    expect(journal.phase.kind).toBe('stopping');
    expect(journal.rejected).toEqual([specDigest(spec)]);
    expect(journal.failure).toMatch('61 restarts. Reason: / by zero');
  });

  test('goes on when it was stable once, or is never to be rolled back, or is restarted seldom', () => {
    expect(ask(spec, looping(late), { ...begun, stable: spec }).step).toBeUndefined();
    expect(ask({ ...spec, rollback: false }, looping(late), begun).step).toBeUndefined();
    expect(ask(spec, looping({ ...late, lateRestarts: 9 }), begun).step).toBeUndefined();
  });
});

describe('a new job', () => {
  test('is submitted under an id of its own, and again under the same one until it is seen', () => {
    const decision = ask(spec, seen(), emptyJournal);
    expect(decision.step).toEqual({ kind: 'submit', key: `${first}/submit`, jobId: first, spec });
    expect(decision.journal).toMatchObject({ attempt: 1, phase: { kind: 'starting' } });
    expect(ask(spec, seen(), decision.journal)).toEqual(decision);
  });

  test('begins with the savepoint that it is given', () => {
    const { step } = ask({ ...spec, initialSavepoint: 's3://old' }, seen(), emptyJournal);
    expect(step).toMatchObject({ from: { kind: 'savepoint', path: 's3://old' } });
  });

  test('that cannot restore what it is given can be given something else, until it has state of its own', () => {
    const [wrong, right] = ['s3://wrong', 's3://right'].map((initialSavepoint) => ({
      ...spec,
      initialSavepoint,
    })) as [FlinkJobSpec, FlinkJobSpec];
    const { journal } = ask(wrong, seen(), emptyJournal);
    const failed = (newestState: ObservedJob['newestState']) =>
      seen({ jobs: [[first, { state: 'FAILED' }]], newestState });
    const without = ask(wrong, failed('none'), journal).journal;
    const from = { kind: 'savepoint', path: 's3://right', id: 0 };
    expect(ask(right, failed('none'), without).step).toMatchObject({ from });
    expect(ask(wrong, failed('none'), without).step).toMatchObject({
      from: { path: 's3://wrong' },
    });
    expect(ask(spec, failed('none'), without).step).toMatchObject({ from: { path: 's3://wrong' } });
    const withState = ask(wrong, failed(checkpoint), journal).journal;
    expect(ask(right, failed(checkpoint), withState).step).toMatchObject({ from: checkpoint });
  });

  test.each<[string, ObservedJob, string]>([
    ['the JobManager to answer', silent(), 'JOBMANAGER_SILENT'],
    ['a TaskManager with a free slot', seen({ slots: 0 }), 'SLOTS_SHORT'],
  ])('waits for %s', (waitsFor, observed, reason) => {
    const decision = ask(spec, observed, emptyJournal);
    expect(decision).toMatchObject({ waitsFor, journal: emptyJournal });
    expect(decision.step).toBeUndefined();
    expect(reasons(decision)).toEqual([reason]);
  });
});

describe('a job that runs', () => {
  test('as wanted is left alone', () => {
    const decision = ask(spec, seen({ jobs: [[first, {}]] }), started);
    expect(decision).toMatchObject({ journal: { phase: { kind: 'running' } }, conditions: [] });
    expect(decision.step).toBeUndefined();
    expect(decision.waitsFor).toBeUndefined();
  });

  test('is rescaled where it runs when only its parallelism changes', () => {
    const { step } = ask({ ...spec, parallelism: 3 }, seen({ jobs: [[first, {}]] }), runs);
    expect(step).toEqual({
      kind: 'rescale',
      key: `${first}/rescale/3`,
      jobId: first,
      parallelism: 3,
    });
  });

  test('that has no slot says so, and is not told to be wider', () => {
    const without = (unreadyMs: number, room = 0) => {
      const jobs = [[first, { state: 'CREATED', parallelism: 0, unreadyMs }]] as const;
      return ask(spec, { ...seen({ jobs: [...jobs] }), room }, runs);
    };
    expect(without(2_000)).toMatchObject({ waitsFor: 'the job to start', conditions: [] });
    const later = without(60_000);
    expect([later.step, reasons(later)]).toEqual([undefined, ['SLOTS_SHORT']]);
    expect(later.waitsFor).toMatch('a free slot');
    // There is one for it: it is about to start, or fails whenever it does.
    expect(without(60_000, 1)).toMatchObject({ waitsFor: 'the job to start', conditions: [] });
  });

  test('is left alone while the JobManager is silent', () => {
    expect(ask(upgraded, silent(), runs)).toMatchObject({
      journal: runs,
      waitsFor: 'the JobManager to answer',
    });
  });

  test('is stopped with a savepoint for an upgrade, and goes on from it', () => {
    const observed = seen({ jobs: [[first, {}]], newestState: checkpoint });
    const stopping = ask(upgraded, observed, runs);
    expect(stopping.step).toMatchObject({ kind: 'stopWithSavepoint', key: `${first}/savepoint/1` });
    const triggerId = (stopping.step as { triggerId: string }).triggerId;
    const savepoint: StatePoint = { kind: 'savepoint', path: 'sp-8', id: 8 };
    const done = seen({
      jobs: [[first, { state: 'FINISHED' }]],
      savepoints: [[triggerId, 'COMPLETED']],
      newestState: savepoint,
    });
    const stopped = ask(upgraded, done, stopping.journal);
    expect(stopped.journal).toMatchObject({ phase: { kind: 'stopped' }, restore: savepoint });
    const again = ask(upgraded, done, stopped.journal);
    expect(again.step).toMatchObject({
      kind: 'submit',
      jobId: second,
      spec: upgraded,
      from: savepoint,
    });
  });

  test('is cancelled for an upgrade by last state, once there is a checkpoint', () => {
    const byLastState: FlinkJobSpec = { ...upgraded, upgradeMode: 'last-state' };
    const jobs = [[first, {}]] as const;
    expect(ask(byLastState, seen({ jobs, newestState: checkpoint }), runs).step?.kind).toBe(
      'cancel',
    );
    expect(ask(byLastState, seen({ jobs }), runs).step?.kind).toBe('stopWithSavepoint');
  });

  test('is not stopped while it is not certain what it could go on from', () => {
    const decision = ask(upgraded, seen({ jobs: [[first, {}]], newestState: 'unknown' }), runs);
    expect(decision.step).toBeUndefined();
    expect(reasons(decision)).toEqual(['STATE_DIRECTORY_UNREADABLE']);
  });

  test('is stopped when it is suspended or deleted, and stays so', () => {
    const observed = seen({ jobs: [[first, {}]], newestState: checkpoint });
    for (const wanted of [{ ...spec, state: 'suspended' as const }, undefined]) {
      const stopping = ask(wanted, observed, runs);
      expect(stopping.step?.kind).toBe('stopWithSavepoint');
      const gone = seen({ jobs: [[first, { state: 'CANCELED' }]], newestState: checkpoint });
      const stopped = ask(wanted, gone, stopping.journal);
      expect(ask(wanted, gone, stopped.journal)).toEqual({
        journal: stopped.journal,
        conditions: [],
      });
    }
  });

  test('goes without a savepoint when three of them fail', () => {
    let decision = ask(upgraded, seen({ jobs: [[first, {}]], newestState: checkpoint }), runs);
    for (const kind of ['stopWithSavepoint', 'stopWithSavepoint', 'cancel']) {
      const { triggerId } = decision.step as { triggerId: string };
      const failed = seen({
        jobs: [[first, {}]],
        savepoints: [[triggerId, 'FAILED']],
        newestState: checkpoint,
      });
      decision = ask(upgraded, failed, decision.journal);
      expect(decision.step?.kind).toBe(kind);
      expect(reasons(decision)).toEqual(['SAVEPOINT_FAILED']);
    }
  });

  test('has another savepoint tried only after a pause, and when all its tasks run again', () => {
    const stopping = ask(upgraded, seen({ jobs: [[first, {}]], newestState: checkpoint }), runs);
    const { triggerId } = stopping.step as { triggerId: string };
    const after = (savepointAgeMs: number, rest: Partial<ObservedRun> = {}) =>
      ask(
        upgraded,
        seen({
          jobs: [[first, rest]],
          savepoints: [[triggerId, 'FAILED']],
          savepointAgeMs,
          newestState: checkpoint,
        }),
        stopping.journal,
      );
    for (const early of [after(1_000), after(10_000, { state: 'RESTARTING', unreadyMs: 5_000 })]) {
      expect(early).toMatchObject({
        journal: stopping.journal,
        waitsFor: 'savepoint 2 to be tried',
      });
      expect(early.step).toBeUndefined();
      expect(reasons(early)).toEqual(['SAVEPOINT_FAILED']);
    }
    expect(after(2_000).step).toMatchObject({ key: `${first}/savepoint/2` });
    const hopeless = after(90_000, { state: 'RESTARTING', unreadyMs: 90_000 });
    expect(hopeless.step?.kind).toBe('cancel');
  });

  test('is not stopped with a savepoint before all its tasks run, but cancelled when they do not in time', () => {
    const stop = (rest: Partial<ObservedRun>) =>
      ask(upgraded, seen({ jobs: [[first, rest]], newestState: checkpoint }), runs);
    const early = stop({ state: 'RESTARTING', unreadyMs: 3_000 });
    expect(early).toMatchObject({ journal: { phase: { kind: 'running' } } });
    expect([early.step, early.waitsFor]).toEqual([undefined, expect.stringMatching('all tasks')]);
    expect(stop({ unreadyMs: 3_000 }).step).toBeUndefined();
    expect(stop({ state: 'RESTARTING', unreadyMs: 60_000 }).step?.kind).toBe('cancel');
    expect(stop({ state: 'CREATED', unreadyMs: 3_000 }).step?.kind).toBe('cancel');
  });

  test('ends what somebody else has started beside it', () => {
    const observed = seen({
      jobs: [
        [first, {}],
        ['ffff', {}],
      ],
    });
    expect(ask(spec, observed, runs).step).toMatchObject({ kind: 'cancel', jobId: 'ffff' });
  });
});

describe('a job that has ended', () => {
  test('with the JobManager goes on from its newest checkpoint', () => {
    const lost = ask(spec, seen({ run: 'jm-2', newestState: checkpoint }), runs);
    expect(reasons(lost)).toEqual(['JOBMANAGER_LOST']);
    const { step } = ask(spec, seen({ run: 'jm-2', newestState: checkpoint }), lost.journal);
    expect(step).toMatchObject({ kind: 'submit', jobId: second, from: checkpoint });
  });

  test('is not started when its checkpoints are gone or cannot be read', () => {
    for (const [newestState, reason] of [
      ['none', 'STATE_UNKNOWN'],
      ['unknown', 'STATE_DIRECTORY_UNREADABLE'],
    ] as const) {
      const decision = ask(spec, seen({ run: 'jm-2', newestState }), runs);
      expect(decision).toMatchObject({ journal: runs, conditions: [{ reason }] });
    }
  });

  test('by itself is not started again, whatever is wanted', () => {
    const done = seen({ jobs: [[first, { state: 'FINISHED' }]] });
    const { journal } = ask(spec, done, runs);
    expect(journal.phase.kind).toBe('finished');
    expect(ask(spec, done, journal)).toEqual({ journal, conditions: [] });
    expect(ask(upgraded, done, journal)).toEqual({ journal, conditions: [] });
  });

  test('by failing five times in a row is not tried again, unless the spec changes', () => {
    let decision: JobDecision = { journal: runs, conditions: [] };
    for (let attempt = 1; attempt <= 5; attempt++) {
      const failed = seen({
        jobs: [[jobIdOf('u', attempt), { state: 'FAILED', failure: 'no such table' }]],
        newestState: checkpoint,
      });
      decision = ask(spec, failed, decision.journal);
      if (attempt === 5) continue;
      decision = ask(spec, failed, decision.journal);
      expect(decision).toMatchObject({ step: { kind: 'submit', from: checkpoint } });
      expect(decision.conditions).toMatchObject([{ reason: 'JOB_FAILED' }]);
      expect(decision.conditions[0]!.message).toContain(`${attempt} of 5`);
    }
    const given = ask(spec, seen({ newestState: checkpoint }), decision.journal);
    expect(reasons(given)).toEqual(['GIVEN_UP']);
    expect(given.conditions[0]!.message).toContain('no such table');
    expect(ask(upgraded, seen({ newestState: checkpoint }), given.journal).step).toMatchObject({
      kind: 'submit',
      spec: upgraded,
      from: checkpoint,
    });
  });
});

describe('a batch job', () => {
  const batch = (rest: Partial<ObservedRun> = {}) =>
    seen({ jobs: [[first, { isBatch: true, checkpoints: 0, ...rest }]] });

  test('is cancelled when it is suspended or changed, and then begins anew: no savepoint of it can be made', () => {
    for (const wanted of [{ ...spec, state: 'suspended' } as const, upgraded, undefined]) {
      const { step, conditions } = ask(wanted, batch(), runs);
      expect(step).toEqual({ kind: 'cancel', key: `${first}/cancel`, jobId: first });
      expect(conditions).toEqual([]);
    }
    const { journal } = ask({ ...spec, state: 'suspended' }, batch(), started);
    const stopped = ask(spec, batch({ state: 'CANCELED' }), journal).journal;
    const again = ask(spec, batch({ state: 'CANCELED' }), stopped);
    expect(again.step).toEqual({ kind: 'submit', key: `${second}/submit`, jobId: second, spec });
  });

  test('that takes long instead of a streaming one is not taken to be stuck', () => {
    const stable = { ...runs, stable: upgraded, restore: checkpoint };
    const late = { ageMs: 3_600_000, lateRestarts: 3 };
    expect(ask(spec, batch(late), stable).journal.rejected).toEqual([]);
    expect(ask(spec, seen({ jobs: [[first, late]] }), stable).journal.rejected).toHaveLength(1);
  });

  test('has another parallelism from its next attempt on', () => {
    const { journal, step } = ask({ ...spec, parallelism: 3 }, batch(), runs);
    expect(step).toBeUndefined();
    expect(journal.deployed?.spec.parallelism).toBe(3);
  });
});

describe('a spec', () => {
  const stable = ask(spec, seen({ jobs: [[first, { unbrokenCheckpoints: 2 }]] }), runs).journal;

  test('is stable after two checkpoints without a restart', () => {
    expect(stable.stable).toEqual(spec);
    const restarted = { checkpoints: 9, unbrokenCheckpoints: 2, restarts: 1 };
    expect(ask(spec, seen({ jobs: [[first, restarted]] }), runs).journal.stable).toEqual(spec);
    for (const rest of [
      { unbrokenCheckpoints: 1 },
      { ...restarted, unbrokenCheckpoints: 1 },
      { unbrokenCheckpoints: 3, isLagGrowing: true },
    ]) {
      expect(ask(spec, seen({ jobs: [[first, rest]] }), runs).journal.stable).toBeUndefined();
    }
  });

  const deployed: JobJournal = {
    ...stable,
    attempt: 2,
    deployed: { ...stable.deployed!, jobId: second, spec: upgraded },
  };

  test.each<[string, Partial<ObservedRun>, isLeft: boolean]>([
    ['restarts again and again', { lateRestarts: 3 }, true],
    ['falls behind', { isLagGrowing: true, unbrokenCheckpoints: 3 }, true],
    ['makes no checkpoint', { checkpointsFail: true }, true],
    ['does not get all its tasks to run', { unreadyMs: 301_000 }, true],
    ['has checkpoints that are far apart', { checkpoints: 0, unbrokenCheckpoints: 0 }, false],
    ['was restarted with a lost TaskManager', { restarts: 1, lateRestarts: 1 }, false],
  ])('that %s when it has had time: is left %o, %s', (_, run, isLeft) => {
    for (const ageMs of [299_000, 301_000]) {
      const asked = ask(upgraded, seen({ jobs: [[second, { ...run, ageMs }]] }), deployed);
      expect(asked.journal.rejected).toHaveLength(isLeft && ageMs > 300_000 ? 1 : 0);
    }
  });

  test('that does not become stable in time is left for the last one that was', () => {
    const unwell = { checkpoints: 3, restarts: 4, lateRestarts: 3 };
    const late = {
      jobs: [[second, { ...unwell, ageMs: 600_000 }]] as const,
      newestState: checkpoint,
    };
    const back = ask(upgraded, seen(late), deployed);
    expect(back.step?.kind).toBe('stopWithSavepoint');
    expect(back.journal.rejected).toEqual([specDigest(upgraded)]);
    const gone = seen({ jobs: [[second, { state: 'CANCELED' }]], newestState: checkpoint });
    const stopped = ask(upgraded, gone, back.journal);
    const again = ask(upgraded, gone, stopped.journal);
    expect(again.step).toMatchObject({
      kind: 'submit',
      jobId: jobIdOf('u', 3),
      spec,
      from: checkpoint,
    });
    const returned = seen({ jobs: [[jobIdOf('u', 3), { unbrokenCheckpoints: 9 }]] });
    const kept = ask(upgraded, returned, again.journal);
    expect(kept).toMatchObject({ conditions: [{ reason: 'ROLLED_BACK' }] });
    expect(kept.conditions[0]!.message).toContain('3 checkpoints, 4 restarts');
    expect(kept.step).toBeUndefined();
    expect(ask(spec, returned, kept.journal).conditions).toEqual([]);
    expect(ask({ ...upgraded, rollback: false }, seen(late), deployed).step).toBeUndefined();
  });
});
