import type { KeyValueStore, StoreOperation } from '@tessera/base';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { access, metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata, type MetadataDaemon } from '../composition.ts';
import {
  cube,
  flinkClusterSpec,
  flinkJobSpec,
  inProcess,
  project,
  seed,
  segment,
} from '../fixture.ts';
import { openMemoryStore } from '../store/memory-store.ts';

const root = '/tessera/v1';
let store: KeyValueStore;
let daemon: MetadataDaemon;
let clients: TesseraClient;
beforeEach(async () => {
  const clock = new ManualClock();
  store = await openMemoryStore(clock);
  daemon = await composeMetadata({ store: { driver: 'memory' } }, { store, clock });
  clients = clientsBy(inProcess(daemon.services));
  await seed(clients);
  await clients.segments.publishSegments({ parent: cube, segments: [segment('jan', 0, 31)] });
  await clients.operationRecords.createOperationRecord({
    operationRecordId: 'build',
    operationRecord: {},
  });
  await clients.operationRecords.writeJournalEntry({
    journalEntry: { name: 'operations/build/journal/step' },
  });
});
afterEach(() => daemon[Symbol.asyncDispose]());

/** Writes past all rules, as a bug or a hand would. */
const tamper = (...success: StoreOperation[]) => store.transaction({ success });
const remove = (key: string): StoreOperation => ({ op: 'delete', key: `${root}/${key}` });
const write = (key: string, value: Uint8Array): StoreOperation => ({
  op: 'put',
  key: `${root}/${key}`,
  value,
});

function writeSegment(id: string, start: number, end: number, changes = {}): StoreOperation {
  const ready = {
    ...segment(id, start, end),
    state: metadata.SegmentState.SEGMENT_STATE_READY,
    ...changes,
  };
  return write(`segments/demo/flights/${id}`, metadata.Segment.encode(ready).finish());
}

async function check(repair = false) {
  const { problems } = await clients.maintenance.checkStore({ repair });
  return problems.map(({ reason, name, remedy, repaired }) =>
    [reason, name, remedy, repaired ? 'repaired' : ''].join(' ').trim(),
  );
}

const everything = {
  functions: [access.AccessFunction.ACCESS_FUNCTION_QUERY],
  ...{ project: '*', source: '*', table: '*' },
};

/** With their logs. */
async function placedOnFlink(): Promise<void> {
  const { flinkClusters, flinkJobs } = clients;
  await flinkClusters.createFlinkCluster({
    flinkClusterId: 'orders',
    flinkCluster: { spec: flinkClusterSpec() },
  });
  await flinkJobs.createFlinkJob({ flinkJobId: 'sums', flinkJob: { spec: flinkJobSpec() } });
  const cluster = { name: 'flink-cluster-statuses/orders' };
  await flinkClusters.updateFlinkClusterStatus({ flinkClusterStatus: cluster });
  const job = { name: 'flink-job-statuses/sums' };
  await flinkJobs.updateFlinkJobStatus({ flinkJobStatus: job });
}

/** A user with a password and a session. */
async function signedIn(user: string): Promise<void> {
  const password = 'correct horse';
  await clients.users.createUser({ userId: user, user: {} });
  await clients.authentication.setPassword({ user, password });
  await clients.authentication.login({ user, password });
}

describe('the check of the store', () => {
  test('finds nothing in what the daemon itself has written', async () => {
    const { fencingToken } = await clients.leases.acquireLease({
      name: 'leases/scheduler',
      holder: 'a',
      ttl: { seconds: 10n, nanos: 0 },
    });
    await clients.projects.createProject({ projectId: 'other', requestId: 'once' });
    await clients.hosts.createHost({
      hostId: 'node1',
      host: { machineId: 'm', address: '127.0.0.1:7450', lease: 'leases/host.node1' },
    });
    await clients.deployments.createDeployment({ deploymentId: 'storage', deployment: {} });
    await placedOnFlink();
    await clients.flinkJobs.deleteFlinkJob({ name: 'flink-jobs/sums' });
    await clients.roles.createRole({ roleId: 'reader', role: { permissions: [everything] } });
    await clients.groups.createGroup({ groupId: 'staff', group: { roles: ['reader'] } });
    await signedIn('ann');
    await clients.policies.createPolicy({
      parent: project,
      policyId: 'own',
      policy: { role: 'reader', source: 'files', table: 'flights', rows: 'true' },
    });
    const answer = await clients.maintenance.checkStore({});
    expect(answer).toMatchObject({ problems: [], problemCount: 0n });
    expect(answer.checkedCount).toBeGreaterThan(10n);
    expect(answer.revision).toBeGreaterThanOrEqual(fencingToken);
  });

  test.each([
    [
      'a source',
      [remove('sources/demo/files')],
      [
        `DANGLING_REFERENCE ${project}/models/flights`,
        `DANGLING_REFERENCE ${root}/uses/sources/demo/files delete`,
      ],
    ],
    [
      'a model',
      [remove('models/demo/flights')],
      [
        `DANGLING_REFERENCE ${cube}`,
        `DANGLING_REFERENCE ${root}/model-versions/demo/flights/000000000001`,
        `DANGLING_REFERENCE ${root}/uses/models/demo/flights delete`,
      ],
    ],
    [
      'a cube',
      [remove('cubes/demo/flights')],
      [
        `DANGLING_REFERENCE ${cube}/segments/jan`,
        `DANGLING_REFERENCE ${root}/coverage/demo/flights delete`,
        `DANGLING_REFERENCE ${root}/uses/cubes/demo/flights delete`,
      ],
    ],
    [
      'an operation',
      [remove('operations/build')],
      [`DANGLING_REFERENCE ${root}/journal/build/step delete`],
    ],
    [
      'a snapshot',
      [writeSegment('jan', 0, 31, { snapshots: { origin: 's1' } })],
      [`DANGLING_REFERENCE ${cube}/segments/jan retire`],
    ],
    [
      'sense, a value',
      [write('models/demo/flights', Buffer.from([255, 255, 255]))],
      [
        `UNDECODABLE_VALUE ${root}/models/demo/flights`,
        `DANGLING_REFERENCE ${cube}`,
        `DANGLING_REFERENCE ${root}/model-versions/demo/flights/000000000001`,
        `DANGLING_REFERENCE ${root}/uses/models/demo/flights delete`,
      ],
    ],
    [
      'its own name, a value',
      [
        write(
          'projects/copy',
          metadata.Project.encode({ ...metadata.Project.fromPartial({ name: project }) }).finish(),
        ),
      ],
      [`UNDECODABLE_VALUE ${root}/projects/copy`],
    ],
    [
      'a user, a password',
      [write('credentials/ann', Buffer.from('{}'))],
      [`DANGLING_REFERENCE ${root}/credentials/ann`],
    ],
    [
      'a meaning, a key',
      [write('notes/mine', new Uint8Array())],
      [`UNKNOWN_KEY ${root}/notes/mine`],
    ],
    [
      'its end, a restore',
      [write('restore/incomplete', new Uint8Array())],
      [`RESTORE_INCOMPLETE ${root}/restore/incomplete`],
    ],
  ])('names what lacks %s', async (_, operations, expected) => {
    await tamper(...operations);
    expect((await check()).toSorted()).toEqual(expected.toSorted());
  });

  test('names a job of Flink that lacks its cluster, and keeps versions of what was lost', async () => {
    await placedOnFlink();
    await tamper(remove('flink-clusters/orders'));
    expect((await check()).toSorted()).toEqual([
      `DANGLING_REFERENCE ${root}/flink_cluster-versions/orders/000000000001`,
      `DANGLING_REFERENCE ${root}/uses/flink-clusters/orders delete`,
      'DANGLING_REFERENCE flink-jobs/sums',
    ]);
    await tamper(remove('flink-jobs/sums'));
    expect(await check()).toContain(
      `DANGLING_REFERENCE ${root}/flink_job-versions/sums/000000000001`,
    );
  });

  test('mends overlaps until none is left, so that no row is counted twice', async () => {
    await tamper(writeSegment('feb', 20, 59));
    await tamper(writeSegment('q1', 0, 90));
    await tamper(writeSegment('apr', 90, 120));
    const unseen = `COVERAGE_INCOMPLETE ${cube} reindex`;
    const found = await check();
    expect(found).toHaveLength(3);
    expect(found).toContain(unseen);
    const repaired = await check(true);
    expect(repaired.every((line) => line.endsWith('retire repaired'))).toBe(true);
    const late = clients.segments.publishSegments({
      parent: cube,
      segments: [segment('may', 110, 150)],
    });
    await expectReason(late, 'SEGMENTS_OVERLAP');
    const { segments } = await clients.segments.listSegments({
      parent: cube,
      states: [metadata.SegmentState.SEGMENT_STATE_READY],
    });
    expect(segments.map(({ name }) => name.split('/').at(-1))).toEqual(['apr', 'q1']);
    expect(await check()).toEqual([]);
  });

  test('mends leftovers and segments without their snapshot, and says what is left', async () => {
    await tamper(
      remove('operations/build'),
      remove('sources/demo/files'),
      writeSegment('feb', 31, 59, { snapshots: { origin: 's1' } }),
    );
    expect((await check(true)).toSorted()).toEqual(
      [
        `DANGLING_REFERENCE ${root}/journal/build/step delete repaired`,
        `DANGLING_REFERENCE ${root}/uses/sources/demo/files delete repaired`,
        `DANGLING_REFERENCE ${cube}/segments/feb retire repaired`,
        `DANGLING_REFERENCE ${project}/models/flights`,
      ].toSorted(),
    );
    expect(await check()).toEqual([`DANGLING_REFERENCE ${project}/models/flights`]);
  });
});
