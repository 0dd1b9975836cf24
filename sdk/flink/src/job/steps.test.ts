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
  restarts: 0,
  isLagGrowing: false,
  ageMs: 60_000,
};

interface Seen extends Partial<Omit<ObservedJob, 'jobManager'>> {
  readonly run?: string;
  readonly jobs?: readonly (readonly [string, Partial<ObservedRun>])[];
  readonly savepoints?: readonly (readonly [string, SavepointProgress])[];
}

function seen({ run = 'jm-1', jobs = [], savepoints = [], ...rest }: Seen = {}): ObservedJob {
  return {
    jobManager: {
      run,
      jobs: new Map(jobs.map(([id, job]) => [id, { ...running, ...job }])),
      savepoints: new Map(savepoints),
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
        jobs: [[jobIdOf('u', attempt), { state: 'FAILED' }]],
        newestState: checkpoint,
      });
      decision = ask(spec, failed, decision.journal);
      if (attempt < 5) decision = ask(spec, failed, decision.journal);
    }
    const given = ask(spec, seen({ newestState: checkpoint }), decision.journal);
    expect(reasons(given)).toEqual(['GIVEN_UP']);
    expect(ask(upgraded, seen({ newestState: checkpoint }), given.journal).step).toMatchObject({
      kind: 'submit',
      spec: upgraded,
      from: checkpoint,
    });
  });
});

describe('a spec', () => {
  const stable = ask(spec, seen({ jobs: [[first, { checkpoints: 2 }]] }), runs).journal;

  test('is stable after two checkpoints without a restart', () => {
    expect(stable.stable).toEqual(spec);
    for (const rest of [
      { checkpoints: 1 },
      { checkpoints: 3, restarts: 1 },
      { checkpoints: 3, isLagGrowing: true },
    ]) {
      expect(ask(spec, seen({ jobs: [[first, rest]] }), runs).journal.stable).toBeUndefined();
    }
  });

  test('that does not become stable in time is left for the last one that was', () => {
    const deployed: JobJournal = {
      ...stable,
      attempt: 2,
      deployed: { ...stable.deployed!, jobId: second, spec: upgraded },
    };
    const late = {
      jobs: [[second, { checkpoints: 3, restarts: 2, ageMs: 600_000 }]] as const,
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
    expect(ask({ ...upgraded, rollback: false }, seen(late), deployed).step).toBeUndefined();
  });
});
