import { clientsBy, type TesseraClient } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata, type MetadataDaemon } from './composition.ts';
import {
  cube,
  flinkClusterSpec,
  flinkJobSpec,
  inProcess,
  project,
  seed,
  segment,
} from './fixture.ts';

const installed = etcdProgram() !== undefined;

describe.skipIf(!installed)('two metadata daemons on one etcd', () => {
  let servers: EtcdServers;
  let daemons: MetadataDaemon[];
  let [one, other]: TesseraClient[] = [];
  let platforms = 0;
  beforeAll(async () => {
    servers = await startEtcd();
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    const prefix = `platform-${platforms++}`;
    const store = { driver: 'etcd', endpoints: [...servers.endpoints], prefix } as const;
    daemons = [await composeMetadata({ store }), await composeMetadata({ store })];
    [one, other] = daemons.map(({ services }) => clientsBy(inProcess(services)));
  });
  afterEach(async () => {
    for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  });

  test('show each what was written through the other, at once and to watchers', async () => {
    await seed(one!);
    const { models, revision } = await other!.models.listModels({ parent: project, pageSize: 10 });
    expect(models.map(({ name }) => name)).toEqual([`${project}/models/flights`]);
    const ended = new AbortController();
    const watch = other!.segments.watchSegments(
      { parent: cube, startRevision: revision + 1n },
      { signal: ended.signal },
    );
    const { segments } = await one!.segments.publishSegments({
      parent: cube,
      segments: [segment('jan', 0, 31)],
    });
    for await (const { event } of watch) {
      if (event?.$case !== 'put') continue;
      expect(event.value).toEqual(segments[0]);
      break;
    }
    ended.abort();
  });

  test('know a request that was made through the other', async () => {
    const request = { projectId: 'once', requestId: 'r-1' };
    const first = await one!.projects.createProject(request);
    expect(await other!.projects.createProject(request)).toEqual(first);
    await expectReason(other!.projects.createProject({ projectId: 'once' }), 'PROJECT_EXISTS');
  });

  test('never both publish what overlaps', async () => {
    await seed(one!);
    const publish = (clients: TesseraClient, id: string) =>
      clients.segments.publishSegments({ parent: cube, segments: [segment(id, 0, 31)] });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => publish(i % 2 === 0 ? one! : other!, `s${i}`)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ reason: 'SEGMENTS_OVERLAP' });
    }
  });

  test('never both delete a Flink cluster and place a job on it', async () => {
    const name = 'flink-clusters/orders';
    const flinkCluster = { name, spec: flinkClusterSpec() };
    for (let round = 0; round < 10; round++) {
      await one!.flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
      const flinkJob = { name: 'flink-jobs/sums', spec: flinkJobSpec() };
      const [deleted, placed] = await Promise.allSettled([
        one!.flinkClusters.deleteFlinkCluster({ name }),
        other!.flinkJobs.updateFlinkJob({ flinkJob, allowMissing: true }),
      ]);
      const reasons = [deleted, placed].flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason.reason] : [],
      );
      expect(reasons).toHaveLength(1);
      expect(['FLINK_CLUSTER_HAS_JOBS', 'FLINK_CLUSTER_NOT_FOUND']).toContain(reasons[0]);
      await other!.flinkJobs.deleteFlinkJob({ name: flinkJob.name, allowMissing: true });
    }
  });

  test('keep one lease between them, that outlives the daemon it was acquired through', async () => {
    const name = 'leases/scheduler';
    const ttl = { seconds: 30n, nanos: 0 };
    const { fencingToken } = await one!.leases.acquireLease({ name, holder: 'a', ttl });
    await expectReason(other!.leases.acquireLease({ name, holder: 'b', ttl }), 'LEASE_HELD');
    await daemons[0]![Symbol.asyncDispose]();
    const renewed = await other!.leases.renewLease({ name, fencingToken });
    expect(renewed).toMatchObject({ holder: 'a', fencingToken });
    await other!.leases.releaseLease({ name, fencingToken });
    const next = await other!.leases.acquireLease({ name, holder: 'b', ttl });
    expect(next.fencingToken).toBeGreaterThan(fencingToken);
    const fence = { lease: name, token: fencingToken };
    await other!.operationRecords.createOperationRecord({
      operationRecordId: 'kept',
      operationRecord: {},
    });
    const journalEntry = { name: 'operations/kept/journal/step' };
    await expectReason(
      other!.operationRecords.writeJournalEntry({ journalEntry, fence }),
      'FENCED',
    );
  });
});
