import { type Clock, compareKeys, type KeyRange, type KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { readRange } from '../resources/read-whole.ts';
import { selectBelow } from '../resources/resource-key.ts';
import { timestampOf } from '../resources/resource-kind.ts';
import { encodeBackup } from './backup-format.ts';

/** What others refer to stands before them, so that a restore never shows a reference to nothing. */
const collections = [
  'projects',
  'sources',
  'models',
  'model-versions',
  'cubes',
  'snapshots',
  'dictionaries',
  'segments',
] as const;

/** A chunk that is sent: several entries, or one large one. */
const chunkBytes = 256 * 1024;

/**
 * Everything that the store holds at one revision, as the bytes of a backup, then the summary. Entries of a
 * lease are left out: they end with it.
 * @throws REVISION_COMPACTED when the store forgets that revision before the end.
 */
export async function* createBackup(
  store: KeyValueStore,
  clock: Clock,
): AsyncGenerator<Buffer, metadata.BackupSummary> {
  const { revision } = await store.status();
  const { driver } = await store.statistics();
  const header = { createTime: timestampOf(clock.now()), revision, driver };
  let entryCount = 0n;
  async function* entries() {
    for (const range of allRanges()) {
      for await (const { key, value, createRevision, lease } of readRange(store, range, {
        revision,
      })) {
        if (lease !== 0n) continue;
        entryCount++;
        yield { key, value, createRevision };
      }
    }
  }
  let sizeBytes = 0;
  for await (const chunk of gathered(encodeBackup(header, entries()), chunkBytes)) {
    sizeBytes += chunk.length;
    yield chunk;
  }
  return { ...header, entryCount, sizeBytes: BigInt(sizeBytes) };
}

/** Every key once: the collections in their order, then whatever lies between them. */
function allRanges(): KeyRange[] {
  const known = collections.map((name) => selectBelow(name, []));
  const sorted = known.toSorted((a, b) => compareKeys(a.start, b.start));
  const between: KeyRange[] = sorted.map((range, i) => ({
    start: i === 0 ? '' : sorted[i - 1]!.end!,
    end: range.start,
  }));
  return [...known, ...between, { start: sorted.at(-1)!.end! }];
}

async function* gathered(parts: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const part of parts) {
    waiting.push(part);
    length += part.length;
    if (length < bytes) continue;
    yield Buffer.concat(waiting, length);
    [waiting, length] = [[], 0];
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}
