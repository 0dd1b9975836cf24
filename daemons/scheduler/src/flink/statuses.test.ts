import type {
  ClusterJournal,
  Deployed,
  FlinkJobSpec,
  JobJournal,
  PlacedProcess,
  RequestedSavepoint,
  StartedProcess,
} from '@tessera/flink';
import { flink } from '@tessera/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  clusterJournalOf,
  clusterStatusOf,
  isSameClusterStatus,
  placementOf,
} from './cluster-status.ts';
import { isSameJobStatus, jobJournalOf, jobStatusOf } from './job-status.ts';
import { flinkProcessIdOf, parseFlinkProcessId } from './process-id.ts';
import { processRoles } from './roles.ts';

const now = { seconds: 1n, nanos: 0 };
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const role = fc.constantFrom(...processRoles);
const statePoint = fc.record({
  kind: fc.constantFrom('checkpoint' as const, 'savepoint' as const),
  path: fc.webUrl(),
  id: fc.nat(),
});
const program = fc.oneof(
  fc.record({ kind: fc.constant('sql' as const), script: fc.string() }),
  fc.record(
    {
      kind: fc.constant('jar' as const),
      jar: word,
      entryClass: word,
      arguments: fc.array(fc.string(), { minLength: 1 }),
    },
    { requiredKeys: ['kind', 'jar'] },
  ),
);
const spec: fc.Arbitrary<FlinkJobSpec> = fc.record(
  {
    cluster: word,
    program,
    parallelism: fc.nat({ max: 1_000 }),
    configuration: fc.dictionary(word, fc.string(), { minKeys: 1 }),
    upgradeMode: fc.constantFrom('savepoint' as const, 'last-state' as const),
    state: fc.constantFrom('running' as const, 'suspended' as const),
    rollback: fc.boolean(),
    initialSavepoint: fc.webUrl(),
    allowNonRestoredState: fc.constant(true),
  },
  { requiredKeys: ['cluster', 'program', 'parallelism', 'upgradeMode', 'state', 'rollback'] },
);
const deployed: fc.Arbitrary<Deployed> = fc.record(
  { jobId: word, spec, from: statePoint, hasState: fc.boolean(), jobManagerRun: fc.string() },
  { requiredKeys: ['jobId', 'spec', 'hasState', 'jobManagerRun'] },
);
const phase = fc.oneof(
  fc.record({ kind: fc.constantFrom('stopped', 'starting', 'running', 'finished') }),
  fc.record({
    kind: fc.constant('stopping'),
    by: fc.constantFrom('savepoint', 'cancel'),
    tries: fc.nat({ max: 3 }),
  }),
) as fc.Arbitrary<JobJournal['phase']>;
const requested: fc.Arbitrary<RequestedSavepoint> = fc.record({
  request: word,
  jobId: word,
  outcome: fc.oneof(
    fc.constant({ kind: 'in progress' } as const),
    fc.record({ kind: fc.constant('completed' as const), path: fc.webUrl() }),
    fc.record({ kind: fc.constant('failed' as const), failure: fc.string() }),
  ),
});
const journal: fc.Arbitrary<JobJournal> = fc.record(
  {
    attempt: fc.nat(),
    phase,
    deployed,
    restore: statePoint,
    stable: spec,
    rejected: fc.array(word),
    failures: fc.nat({ max: 5 }),
    size: fc.record({
      parallelism: fc.dictionary(word, fc.integer({ min: 1, max: 32_768 })),
      slots: fc.nat({ max: 32_768 }),
    }),
    failure: fc.string({ minLength: 1 }),
    savepoints: fc.array(requested, { minLength: 1 }),
  },
  { requiredKeys: ['attempt', 'phase', 'rejected', 'failures'] },
);
const placed: fc.Arbitrary<PlacedProcess> = fc.record(
  {
    cluster: fc.constant('c'),
    role,
    number: fc.nat({ max: 10_000 }),
    host: word,
    ports: fc.array(fc.nat({ max: 65_535 })),
    disk: fc.constant('/data'),
  },
  { requiredKeys: ['cluster', 'role', 'number', 'host', 'ports'] },
);

test('the journal of a job is the same after it was written down and read, whatever it says', () => {
  fc.assert(
    fc.property(journal, (written) => {
      const report = { job: 'flink-jobs/j', version: 3n, journal: written, conditions: [] };
      const status = jobStatusOf(report, undefined, now);
      const bytes = flink.FlinkJobStatus.encode(status).finish();
      expect(jobJournalOf(flink.FlinkJobStatus.decode(bytes))).toEqual(written);
      expect(isSameJobStatus(status, jobStatusOf(report, status, now))).toBe(true);
    }),
  );
});

const started: fc.Arbitrary<StartedProcess> = fc
  .record({
    place: fc.record({ id: word, role, host: word }),
    fate: fc.oneof(
      fc.constant({}),
      fc.constant({ hasComeUp: true }),
      fc.record({ ends: fc.integer({ min: 1, max: 9 }), endedRun: word }),
    ),
  })
  .map(({ place, fate }) => ({ ...place, ...fate }));
const version = fc.bigInt({ min: 1n, max: 2n ** 40n });
const clusterJournal: fc.Arbitrary<ClusterJournal> = fc.record(
  {
    started: fc.array(started),
    good: version,
    rejected: fc.record({ version, processId: word, host: word, cause: fc.string() }),
  },
  { requiredKeys: ['started'] },
);

test('placement and journal of a cluster are the same after they were written down and read', () => {
  fc.assert(
    fc.property(fc.array(placed), clusterJournal, (placement, written) => {
      const report = {
        cluster: 'flink-clusters/c',
        version: 3n,
        placement,
        journal: written,
        haltsJobs: false,
        conditions: [],
      };
      const status = clusterStatusOf(report, undefined, now);
      const bytes = flink.FlinkClusterStatus.encode(status).finish();
      const read = flink.FlinkClusterStatus.decode(bytes);
      expect(placementOf(read)).toEqual(placement);
      expect(clusterJournalOf(read)).toEqual(written);
      expect(isSameClusterStatus(status, clusterStatusOf(report, read, now))).toBe(true);
    }),
  );
});

test('a status that is written again keeps what metadata said of it, and since when a condition holds', () => {
  const before = flink.FlinkJobStatus.fromPartial({
    ...{ name: 'flink-job-statuses/j', uid: 'u', etag: 'e', jobUid: 'j1' },
    conditions: [{ reason: 'JOB_FAILED', message: 'once', sinceTime: now }],
  });
  const conditions = [{ reason: 'JOB_FAILED', message: 'twice' }];
  const empty: JobJournal = { attempt: 0, phase: { kind: 'stopped' }, rejected: [], failures: 0 };
  const report = { job: 'flink-jobs/j', version: 1n, journal: empty, conditions };
  const status = jobStatusOf(report, before, { seconds: 9n, nanos: 0 });
  expect(status).toMatchObject({ uid: 'u', etag: 'e', jobUid: 'j1' });
  expect(status.conditions).toMatchObject([{ message: 'twice', sinceTime: now }]);
  expect(isSameJobStatus(before, status)).toBe(false);
});

test('the name of a process says what it is', () => {
  fc.assert(
    fc.property(word, role, fc.nat(), (cluster, one, number) => {
      const name = { cluster, role: one, number };
      expect(parseFlinkProcessId(flinkProcessIdOf(name))).toEqual(name);
    }),
  );
  expect(parseFlinkProcessId('cluster.metadata')).toBeUndefined();
});
