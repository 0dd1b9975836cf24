import { Code } from '@tessera/base';
import type { SnapshotReader } from '@tessera/client';
import { batchFromRows, rowsOf, type Schema } from '@tessera/columnar';
import { expect, test } from 'vitest';
import { failure } from '../testing/fake-node.ts';
import { ReplicatedSnapshotReader } from './replicated-snapshots.ts';

const schema: Schema = [{ name: 'city', type: { kind: 'text' }, nullable: false }];
const read = { snapshot: 'projects/p/snapshots/cities', columns: schema };

class Reader implements SnapshotReader {
  calls = 0;
  failure: Error | undefined;

  constructor(failure?: Error) {
    this.failure = failure;
  }

  async *readSnapshot() {
    this.calls++;
    yield batchFromRows(schema, [['Bern']]);
    if (this.failure !== undefined) throw this.failure;
    yield batchFromRows(schema, [['Wien']]);
  }
}

const rowsBy = async (reader: SnapshotReader) => {
  const signal = new AbortController().signal;
  return (await Array.fromAsync(reader.readSnapshot(read, signal))).flatMap(rowsOf);
};

test('a snapshot is read from the next daemon when one fails in the middle, each row once, and from there again', async () => {
  const [broken, whole] = [new Reader(failure('CONNECTION_LOST')), new Reader()];
  const reader = new ReplicatedSnapshotReader(() => [broken, whole]);
  for (let i = 0; i < 2; i++) expect(await rowsBy(reader)).toEqual([['Bern'], ['Wien']]);
  expect([broken.calls, whole.calls]).toEqual([1, 2]);
});

test('a snapshot that no daemon has is the last failure; one that cannot be read as asked is the first', async () => {
  const missing = new Reader(failure('SNAPSHOT_NOT_STORED', Code.NOT_FOUND));
  const badly = new Reader(failure('BAD_SNAPSHOT_READ', Code.INVALID_ARGUMENT));
  const all = new ReplicatedSnapshotReader(() => [missing, missing]);
  await expect(rowsBy(all)).rejects.toMatchObject({ reason: 'SNAPSHOT_NOT_STORED' });
  const refused = new ReplicatedSnapshotReader(() => [badly, missing]);
  await expect(rowsBy(refused)).rejects.toMatchObject({ reason: 'BAD_SNAPSHOT_READ' });
  const nobody = new ReplicatedSnapshotReader(() => []);
  await expect(rowsBy(nobody)).rejects.toMatchObject({ reason: 'NO_STORAGE_NODES' });
});
