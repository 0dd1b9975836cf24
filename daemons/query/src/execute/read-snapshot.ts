import type { SnapshotReader } from '@tessera/client';
import { batchBytes, type ColumnBatch, concatBatches, type Schema } from '@tessera/columnar';
import type { LookupSnapshot } from '@tessera/cube';
import { snapshotTooLarge } from '../errors.ts';
import { onceMore } from './once-more.ts';
import { isUnreadable, Unreadable } from './unreadable.ts';

/** Bytes of a snapshot's columns in memory at most; a lookup that has more is read where it is. */
const maxSnapshotBytes = 128 * 1024 * 1024;

/** The columns of `schema` of a snapshot, whole. @throws Unreadable for one to be left out of the next plan */
export function readSnapshot(
  snapshot: LookupSnapshot,
  schema: Schema,
  reader: SnapshotReader,
  signal: AbortSignal,
): Promise<ColumnBatch> {
  return onceMore(() => collect(snapshot, schema, reader, signal), signal);
}

async function collect(
  snapshot: LookupSnapshot,
  schema: Schema,
  reader: SnapshotReader,
  signal: AbortSignal,
): Promise<ColumnBatch> {
  const columns = schema.map(({ name, type }) => ({ name, type }));
  const batches: ColumnBatch[] = [];
  let bytes = 0;
  const leftOut = { kind: 'snapshot' as const, snapshot };
  try {
    for await (const batch of reader.readSnapshot({ snapshot: snapshot.name, columns }, signal)) {
      bytes += batchBytes(batch);
      if (bytes > maxSnapshotBytes) {
        throw new Unreadable(leftOut, snapshotTooLarge(snapshot.id, maxSnapshotBytes));
      }
      batches.push({ ...batch, schema });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error)) throw new Unreadable(leftOut, error);
    throw error;
  }
  return concatBatches(schema, batches);
}
