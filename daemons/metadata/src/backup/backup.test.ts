import { type KeyValueStore, prefixRange, seededRandom, storeLimits } from '@tessera/base';
import { clientsBy } from '@tessera/client';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata } from '../composition.ts';
import {
  cube,
  flinkClusterSpec,
  flinkJobSpec,
  inProcess,
  seed,
  segment,
  startFixture,
} from '../fixture.ts';
import { installationKey } from '../installation/installation.ts';
import { restoreMarker } from '../resources/restore-marker.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { createBackup } from './backup.ts';
import { decodeBackup } from './backup-format.ts';
import { restoreBackup } from './restore.ts';

const clock = new ManualClock();
let [from, to]: KeyValueStore[] = [];
beforeEach(async () => {
  [from, to] = [await openMemoryStore(clock), await openMemoryStore(clock)];
});
afterEach(async () => {
  await from?.close();
  await to?.close();
});

async function backupOf(store: KeyValueStore): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createBackup(store, clock)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Uint8Array, size = 7_919): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const restore = (store: KeyValueStore, bytes: Uint8Array, replace = false) =>
  restoreBackup(store, inPieces(bytes), { replace });

/** Keys and values, without the driver's revisions. */
async function contentOf(store: KeyValueStore): Promise<string[]> {
  const content: string[] = [];
  let startAfter = '';
  for (let more = true; more; ) {
    const page = await store.list({ start: '' }, { startAfter });
    for (const { key, value } of page.entries) {
      content.push(`${key}=${Buffer.from(value).toString('hex')}`);
      startAfter = key;
    }
    more = page.more;
  }
  return content;
}

async function fill(store: KeyValueStore, count: number): Promise<void> {
  const random = seededRandom(5);
  for (let i = 0; i < count; i++) {
    const kind = random.pick(['segments/p/c', 'projects', 'uses/models', 'zzz', 'aaa', '']);
    const value = new Uint8Array(random.integer(0, 40)).fill(i);
    const key = kind === '' ? `/other/${i}` : `/tessera/v1/${kind}/${i}`;
    await store.transaction({ success: [{ op: 'put', key, value }] });
  }
}

describe('a backup', () => {
  test('holds every key at one revision, whatever is written meanwhile', async () => {
    await fill(from!, 2_500);
    const before = await contentOf(from!);
    const backup = createBackup(from!, clock);
    const chunks = [(await backup.next()).value as Buffer];
    await from!.transaction({
      success: [{ op: 'deleteRange', range: prefixRange('/tessera/v1/segments/') }],
    });
    for await (const chunk of backup) chunks.push(chunk);
    const restored = await restore(to!, Buffer.concat(chunks));
    expect(await contentOf(to!)).toEqual(before);
    expect(restored.summary).toMatchObject({ driver: 'memory', entryCount: BigInt(before.length) });
  });

  test('leaves out what ends with a lease', async () => {
    const { id } = await from!.grantLease(60_000);
    const value = new Uint8Array(1);
    await from!.transaction({
      success: [
        { op: 'put', key: '/tessera/v1/leases/scheduler', value, lease: id },
        { op: 'put', key: '/tessera/v1/projects/p', value },
      ],
    });
    await restore(to!, await backupOf(from!));
    expect(await contentOf(to!)).toEqual(['/tessera/v1/projects/p=00']);
  });

  test('of an empty store and of the largest values can be restored', async () => {
    await restore(to!, await backupOf(from!));
    expect(await contentOf(to!)).toEqual([]);
    for (const i of [0, 1, 2]) {
      const value = new Uint8Array(storeLimits.valueBytes).fill(i);
      const key = `/${'k'.repeat(storeLimits.keyBytes - 2)}${i}`;
      await from!.transaction({ success: [{ op: 'put', key, value }] });
    }
    await restore(to!, await backupOf(from!));
    expect(await contentOf(to!)).toEqual(await contentOf(from!));
  });
});

describe('a restore', () => {
  test('of a file that was cut off anywhere, or changed in any byte, leaves the store as it was', async () => {
    await fill(from!, 30);
    const whole = await backupOf(from!);
    for (let length = 0; length < whole.length; length++) {
      const outcome = await restore(to!, whole.subarray(0, length)).catch((error) => error);
      const expected =
        length < 'tessera-backup '.length ? 'BACKUP_NOT_RECOGNISED' : 'BACKUP_CUT_OFF';
      expect({ length, reason: outcome.reason }).toEqual({ length, reason: expected });
    }
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at % 8);
      const outcome = await restore(to!, changed).catch((error) => error);
      expect([
        'BACKUP_NOT_RECOGNISED',
        'BACKUP_NEWER',
        'BACKUP_CORRUPT',
        'BACKUP_CUT_OFF',
      ]).toContain(outcome.reason);
    }
    await expectReason(restore(to!, Buffer.concat([whole, Buffer.from('x')])), 'BACKUP_CORRUPT');
    expect(await contentOf(to!)).toEqual([]);
  });

  test('of records in another order or left out is refused, each of them being whole', async () => {
    await fill(from!, 3);
    const whole = await backupOf(from!);
    const line = whole.indexOf('\n') + 1;
    const records: Buffer[] = [];
    for (let at = line; at < whole.length; ) {
      const end = at + 8 + whole.readUInt32BE(at);
      records.push(whole.subarray(at, end));
      at = end;
    }
    const [header, a, b, c, end] = records as [Buffer, Buffer, Buffer, Buffer, Buffer];
    for (const changed of [
      [header, a, c, b, end],
      [header, a, b, end],
      [a, header, b, c, end],
      [header, header, a, b, c, end],
    ]) {
      const bytes = Buffer.concat([whole.subarray(0, line), ...changed]);
      await expectReason(restore(to!, bytes), 'BACKUP_CORRUPT');
    }
  });

  test('of a newer format or of something else says so', async () => {
    const newer = Buffer.from('tessera-backup 2\nwhatever comes');
    await expectReason(restore(to!, newer), 'BACKUP_NEWER');
    await expectReason(restore(to!, Buffer.from('SQLite format 3')), 'BACKUP_NOT_RECOGNISED');
  });

  test('into a store that holds something is refused, or replaces all of it', async () => {
    await fill(from!, 20);
    const bytes = await backupOf(from!);
    await to!.transaction({
      success: [{ op: 'put', key: '/tessera/v1/projects/mine', value: new Uint8Array(1) }],
    });
    await expectReason(restore(to!, bytes), 'STORE_NOT_EMPTY');
    expect(await contentOf(to!)).toEqual(['/tessera/v1/projects/mine=00']);
    expect(await restore(to!, bytes, true)).toMatchObject({ replacedCount: 1 });
    expect(await contentOf(to!)).toEqual(await contentOf(from!));
  });

  test('that somebody else writes into stops, and is started over with replacement', async () => {
    await fill(from!, 400);
    const bytes = await backupOf(from!);
    const last = (await contentOf(from!)).at(-1)!.split('=')[0]!;
    const intruder = to!.transaction.bind(to!);
    let calls = 0;
    to!.transaction = async (request) => {
      if (++calls === 2) {
        await intruder({ success: [{ op: 'put', key: last, value: new Uint8Array(9) }] });
      }
      return intruder(request);
    };
    await expectReason(restore(to!, bytes), 'RESTORE_CONFLICT');
    expect((await contentOf(to!)).some((line) => line.startsWith(restoreMarker))).toBe(true);
    await expectReason(restore(to!, bytes), 'STORE_NOT_EMPTY');
    {
      // Who lists what there is would take the missing part for deleted.
      await using daemon = await composeMetadata(
        { store: { driver: 'memory' } },
        { store: to!, clock },
      );
      const clients = clientsBy(inProcess(daemon.services));
      await expectReason(clients.segments.listSegments({ parent: cube }), 'RESTORE_INCOMPLETE');
      await expectReason(clients.operationRecords.listOperationRecords({}), 'RESTORE_INCOMPLETE');
      to!.transaction = intruder;
      await restore(to!, bytes, true);
      const restored = (await contentOf(to!)).filter((line) => !line.startsWith(installationKey));
      expect(restored).toEqual(await contentOf(from!));
      expect((await clients.segments.listSegments({ parent: cube })).segments).toEqual([]);
    }
  });

  test('keeps operations and their steps in the order of their age', async () => {
    await using source = await startFixture();
    const { operationRecords } = source.clients;
    for (const id of ['d', 'b', 'c', 'a']) {
      await operationRecords.createOperationRecord({ operationRecordId: id, operationRecord: {} });
    }
    for (const step of ['z', 'a', 'm']) {
      const journalEntry = { name: `operations/c/journal/${step}` };
      await operationRecords.writeJournalEntry({ journalEntry });
    }
    await using target = await startFixture();
    const chunks: Uint8Array[] = [];
    for await (const { content } of source.clients.backups.createBackup({})) {
      if (content?.$case === 'chunk') chunks.push(content.value);
    }
    await target.clients.backups.restoreBackup(
      (async function* () {
        yield { content: { $case: 'options' as const, value: {} } };
        for (const value of chunks) yield { content: { $case: 'chunk' as const, value } };
      })(),
    );
    const restored = target.clients.operationRecords;
    const { operationRecords: listed } = await restored.listOperationRecords({});
    expect(listed.map(({ name }) => name.slice(-1)).join('')).toBe('acbd');
    const { journalEntries } = await restored.listJournalEntries({ parent: 'operations/c' });
    expect(journalEntries.map(({ name }) => name.slice(-1)).join('')).toBe('zam');
  });

  test('gives clusters and jobs of Flink again, with their versions and their logs', async () => {
    await using source = await startFixture();
    const { flinkClusters, flinkJobs, backups } = source.clients;
    const name = 'flink-clusters/orders';
    for (const taskManagerCount of [1, 2]) {
      const flinkCluster = { name, spec: flinkClusterSpec({ taskManagerCount }) };
      await flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
    }
    const flinkJob = { spec: flinkJobSpec() };
    const { uid } = await flinkJobs.createFlinkJob({ flinkJobId: 'sums', flinkJob });
    const started = [{ process: 'processes/orders-jm', host: 'hosts/a' }];
    await flinkClusters.updateFlinkClusterStatus({
      flinkClusterStatus: { name: 'flink-cluster-statuses/orders', started },
    });
    await flinkJobs.updateFlinkJobStatus({
      flinkJobStatus: { name: 'flink-job-statuses/sums', attempt: 3n },
    });
    await flinkJobs.deleteFlinkJob({ name: 'flink-jobs/sums' });
    const store = await openMemoryStore(clock);
    await using target = await composeMetadata({ store: { driver: 'memory' } }, { store, clock });
    const bytes: Uint8Array[] = [];
    for await (const { content } of backups.createBackup({})) {
      if (content?.$case === 'chunk') bytes.push(content.value);
    }
    await restore(store, Buffer.concat(bytes));
    const restored = clientsBy(inProcess(target.services));
    const first = await restored.flinkClusters.getFlinkCluster({ name, version: 1n });
    expect(first.spec).toEqual(flinkClusterSpec({ taskManagerCount: 1 }));
    const { flinkClusterStatuses } = await restored.flinkClusters.listFlinkClusterStatuses({});
    expect(flinkClusterStatuses).toMatchObject([{ started }]);
    const { flinkJobStatuses } = await restored.flinkJobs.listFlinkJobStatuses({});
    expect(flinkJobStatuses).toMatchObject([{ attempt: 3n, jobUid: uid }]);
    await expectReason(
      restored.flinkJobs.createFlinkJob({ flinkJobId: 'sums', flinkJob }),
      'FLINK_JOB_ENDING',
    );
    expect((await restored.maintenance.checkStore({})).problems).toEqual([]);
  });

  test('gives the same resources again, and their rules go on holding', async () => {
    await using source = await startFixture();
    await seed(source.clients);
    await source.clients.segments.publishSegments({
      parent: cube,
      segments: [segment('jan', 0, 31)],
    });
    const store = await openMemoryStore(clock);
    await using target = await composeMetadata({ store: { driver: 'memory' } }, { store, clock });
    const bytes: Uint8Array[] = [];
    for await (const { content } of source.clients.backups.createBackup({})) {
      if (content?.$case === 'chunk') bytes.push(content.value);
    }
    await restore(store, Buffer.concat(bytes));
    const clients = clientsBy(inProcess(target.services));
    const plain = async (of: typeof clients) =>
      (await of.segments.listSegments({ parent: cube })).segments.map((one) => ({
        ...one,
        etag: '',
        revision: 0n,
      }));
    expect(await plain(clients)).toEqual(await plain(source.clients));
    await expectReason(
      clients.segments.publishSegments({ parent: cube, segments: [segment('more', 30, 40)] }),
      'SEGMENTS_OVERLAP',
    );
    await expectReason(
      clients.models.deleteModel({ name: 'projects/demo/models/flights' }),
      'MODEL_IN_USE',
    );
  });
});

test('a backup is read in chunks of any size', async () => {
  await fill(from!, 40);
  const whole = await backupOf(from!);
  for (const size of [1, 2, 3, 5, 64, whole.length]) {
    let entries = 0;
    for await (const part of decodeBackup(inPieces(whole, size))) {
      if (part.$case === 'entry') entries++;
    }
    expect(entries).toBe(40);
  }
});
