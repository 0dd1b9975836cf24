import { flink } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { clusterOutcome, jobOutcome } from './outcome.ts';

const { FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_RUNNING, FLINK_JOB_PHASE_FINISHED } =
  flink.FlinkJobPhase;

const condition = (reason: string) =>
  flink.FlinkCondition.fromPartial({ reason, message: `about ${reason}` });

interface Told {
  readonly wanted?: Partial<flink.FlinkCluster>;
  readonly waitsFor?: string;
  readonly version?: bigint;
  readonly conditions?: readonly string[];
}

function cluster({ wanted, waitsFor = '', version = 2n, conditions = [] }: Told = {}) {
  return {
    name: 'orders',
    wanted: flink.FlinkCluster.fromPartial({ version: 2n, ...wanted }),
    status: flink.FlinkClusterStatus.fromPartial({
      version,
      waitsFor,
      conditions: conditions.map(condition),
    }),
  };
}

describe('a cluster', () => {
  test('is done when the newest version is carried out and nothing is waited for', () => {
    expect(clusterOutcome(cluster())).toEqual({ isDone: true });
    expect(clusterOutcome(cluster({ version: 1n })).isDone).toBe(false);
    expect(clusterOutcome(cluster({ waitsFor: 'a host' }))).toEqual({ isDone: false });
    expect(clusterOutcome({ ...cluster(), status: undefined } as never).isDone).toBe(false);
    expect(clusterOutcome(cluster({ conditions: ['HEADROOM_SHORT'] })).isDone).toBe(true);
  });

  test('is not done when its last good version runs instead of the newest one', () => {
    const conditions = ['CLUSTER_SPEC_REJECTED'];
    const hindrance = { reason: 'CLUSTER_SPEC_REJECTED', message: 'about CLUSTER_SPEC_REJECTED' };
    expect(clusterOutcome(cluster({ conditions }))).toEqual({
      isDone: false,
      hindrance: { ...hindrance, isLasting: true },
    });
    const goingBack = clusterOutcome(cluster({ conditions, waitsFor: 'a JobManager' }));
    expect(goingBack.hindrance?.isLasting).toBe(false);
  });

  test.each<[string, Told, string | undefined, boolean]>([
    ['no room', { conditions: ['CAPACITY_SHORT'] }, 'CAPACITY_SHORT', false],
    [
      'a quota that nobody has declared',
      { conditions: ['FLINK_QUOTA_UNDECLARED'] },
      'FLINK_QUOTA',
      true,
    ],
    ['its quota, overdrawn, alone', { conditions: ['QUOTA_OVERDRAWN'] }, undefined, false],
    ['a wrong specification', { conditions: ['FLINK_MEMORY_TOO_SMALL'] }, 'FLINK_MEMORY', true],
    ['somebody who has paused it', { wanted: { paused: true } }, 'CLUSTER_PAUSED', true],
    ['uneven racks alone', { conditions: ['RACKS_UNEVEN'] }, undefined, false],
  ])('is hindered by %s', (_, told, reason, isLasting) => {
    const { isDone, hindrance } = clusterOutcome(cluster({ waitsFor: 'something', ...told }));
    expect(isDone).toBe(false);
    if (reason === undefined) expect(hindrance).toBeUndefined();
    else {
      expect(hindrance?.reason).toContain(reason);
      expect(hindrance?.isLasting).toBe(isLasting);
    }
  });
});

const spec = flink.FlinkJobSpec.fromPartial({
  cluster: 'flink-clusters/orders',
  program: { $case: 'sql', value: { script: 'SELECT 1;' } },
  parallelism: 2,
});

function job(status: Partial<flink.FlinkJobStatus>, wanted: Partial<flink.FlinkJobSpec> = {}) {
  return {
    name: 'sums',
    wanted: flink.FlinkJob.fromPartial({ version: 3n, spec: { ...spec, ...wanted } }),
    status: flink.FlinkJobStatus.fromPartial({
      version: 3n,
      phase: FLINK_JOB_PHASE_RUNNING,
      deployed: { jobId: 'j', spec },
      ...status,
    }),
  };
}

describe('a job', () => {
  test('is done when it runs as it is wanted, and with patience when that has proved stable', () => {
    expect(jobOutcome(job({})).isDone).toBe(true);
    expect(jobOutcome(job({ waitsFor: 'parallelism 2' })).isDone).toBe(false);
    expect(jobOutcome(job({}), { untilStable: true }).isDone).toBe(false);
    expect(jobOutcome(job({ stableSpec: spec }), { untilStable: true }).isDone).toBe(true);
    expect(jobOutcome(job({ version: 2n })).isDone).toBe(false);
  });

  test('that is to be suspended is done when it has stopped', () => {
    const suspended = { suspended: true };
    expect(jobOutcome(job({}, suspended)).isDone).toBe(false);
    expect(jobOutcome(job({ phase: FLINK_JOB_PHASE_STOPPED }, suspended)).isDone).toBe(true);
    expect(jobOutcome(job({ phase: FLINK_JOB_PHASE_STOPPED })).isDone).toBe(false);
  });

  test.each<[string, ReturnType<typeof job>, string]>([
    ['runs as an older version instead', job({}, { parallelism: 5 }), 'ROLLED_BACK'],
    [
      'was changed after its end',
      job({ phase: FLINK_JOB_PHASE_FINISHED }, { parallelism: 5 }),
      'JOB_FINISHED',
    ],
    [
      'has lost its state',
      job({ waitsFor: 'somebody', conditions: [condition('STATE_UNKNOWN')] }),
      'STATE_UNKNOWN',
    ],
    [
      'was given up, with all that is said of it',
      job({
        waitsFor: 'the spec',
        conditions: [condition('GIVEN_UP'), condition('FLINK_REFUSED')],
      }),
      'GIVEN_UP',
    ],
  ])('needs somebody when it %s', (_, told, reason) => {
    expect(jobOutcome(told)).toMatchObject({
      isDone: false,
      hindrance: { reason, isLasting: true },
    });
  });

  test('that Flink restarts again and again is not done, and may get over it', () => {
    const restarting = { waitsFor: 'a checkpoint', conditions: [condition('JOB_RESTARTING')] };
    expect(jobOutcome(job(restarting))).toMatchObject({
      isDone: false,
      hindrance: { reason: 'JOB_RESTARTING', isLasting: false },
    });
  });

  test('that waits for its JobManager has what is in the way of its cluster in its own', () => {
    const waiting = job({
      waitsFor: 'the JobManager to answer',
      conditions: [condition('JOBMANAGER_SILENT')],
    });
    expect(jobOutcome(waiting)).toEqual({ isDone: false });
    const paused = cluster({ wanted: { paused: true } });
    expect(jobOutcome(waiting, { cluster: paused }).hindrance?.reason).toBe('CLUSTER_PAUSED');
    expect(jobOutcome(waiting, { cluster: cluster() })).toEqual({ isDone: false });
  });

  test('that scaling looks after runs as it is wanted: what runs says nothing of scaling', () => {
    const scaled = job({}, { scaling: flink.FlinkScaling.create() });
    expect(jobOutcome(scaled)).toEqual({ isDone: true });
  });

  test('that runs smaller than it is wanted may get over it', () => {
    const small = job({ waitsFor: 'slots', conditions: [condition('RUNS_SMALLER')] });
    expect(jobOutcome(small)).toMatchObject({
      isDone: false,
      hindrance: { reason: 'RUNS_SMALLER', isLasting: false },
    });
  });

  test('is told of in sentences, and nothing twice', () => {
    const of = (reason: string, message: string) => ({ ...condition(reason), message });
    const conditions = [
      of('GIVEN_UP', 'It failed. Reason: Line 4 is wrong'),
      of('FLINK_STATEMENT_FAILED', 'Line 4 is wrong'),
      of('OTHER', 'More.'),
      of('OTHER', 'More.'),
    ];
    const { hindrance } = jobOutcome(job({ waitsFor: 'the spec', conditions }));
    expect(hindrance?.message).toBe('It failed. Reason: Line 4 is wrong. More.');
  });

  test('that came to its end as it was wanted is done', () => {
    expect(jobOutcome(job({ phase: FLINK_JOB_PHASE_FINISHED })).isDone).toBe(true);
  });
});
