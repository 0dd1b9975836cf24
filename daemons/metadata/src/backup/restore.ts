import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyValueStore, StoreOperation } from '@tessera/base';
import { invariant } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { restoreForeign } from '../installation/errors.ts';
import {
  decodeInstallation,
  encodeInstallation,
  type Installation,
  installationKey,
} from '../installation/installation.ts';
import { findInstallation } from '../installation/open-installation.ts';
import { readRange } from '../resources/read-whole.ts';
import { selectBelow } from '../resources/resource-key.ts';
import { restoreMarker } from '../resources/restore-marker.ts';
import { decodeBackup } from './backup-format.ts';
import { backupCutOff, restoreConflict, storeNotEmpty } from './errors.ts';

/** What one transaction of a restore holds at most: well within what any driver takes. */
const batchLimits = { operations: 100, bytes: 1024 * 1024 } as const;

/** Transactions under way at once. */
const concurrentBatches = 16;

/** Listed by age, so these are created one after the other, in the order of the backup's store. */
const byAge = [selectBelow('operations', []), selectBelow('journal', [])];

export interface Restored {
  readonly summary: metadata.BackupSummary;
  readonly revision: bigint;
  readonly replacedCount: number;
}

/**
 * Reads a backup to its end into a temporary file, and only when it is whole writes what it holds. The store is of the
 * installation of the backup then; what it holds of another one is replaced only when that is named.
 * @throws BACKUP_NOT_RECOGNISED, BACKUP_NEWER, BACKUP_CUT_OFF, BACKUP_CORRUPT, CATALOG_NEWER, STORE_NOT_EMPTY,
 * RESTORE_FOREIGN: then the store is as it was; RESTORE_CONFLICT.
 */
export async function restoreBackup(
  store: KeyValueStore,
  chunks: AsyncIterable<Uint8Array>,
  { replace, installation = '' }: { readonly replace: boolean; readonly installation?: string },
): Promise<Restored> {
  const directory = await mkdtemp(join(tmpdir(), 'tessera-restore-'));
  try {
    const file = join(directory, 'backup');
    const sizeBytes = await spool(chunks, file);
    const { restored, ...verified } = await verify(file);
    const summary = { ...verified, sizeBytes: BigInt(sizeBytes) };
    const held = await firstKey(store);
    if (held !== undefined && !replace) throw storeNotEmpty(held);
    if (held !== undefined) await requireSame(store, restored, installation);
    await begin(store, replace);
    const replacedCount = replace ? await clear(store) : 0;
    await writeAll(store, file);
    const end = await store.transaction({ success: lastOf(restored) });
    return { summary, revision: end.revision, replacedCount };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The store is whole, and of the installation of the backup, at once. */
function lastOf(restored: Installation | undefined): StoreOperation[] {
  const end = { op: 'delete', key: restoreMarker } as const;
  if (restored === undefined) return [end];
  return [end, { op: 'put', key: installationKey, value: encodeInstallation(restored) }];
}

async function spool(chunks: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  await using handle = await open(file, 'wx', 0o600);
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    await handle.writeFile(chunk);
    sizeBytes += chunk.byteLength;
  }
  return sizeBytes;
}

interface Verified extends Omit<metadata.BackupSummary, 'sizeBytes'> {
  /** Absent: the backup was made before installations were told apart. */
  readonly restored: Installation | undefined;
}

async function verify(file: string): Promise<Verified> {
  let header: metadata.BackupHeader | undefined;
  let restored: Installation | undefined;
  for await (const part of decodeBackup(createReadStream(file))) {
    if (part.$case === 'header') header = part.value;
    if (part.$case === 'entry' && part.value.key === installationKey) {
      restored = decodeInstallation(part.value.value);
    }
    if (part.$case !== 'end') continue;
    invariant(header !== undefined, 'a backup that has an end has a header');
    return { ...header, entryCount: part.value.entryCount, restored };
  }
  throw backupCutOff(0);
}

/** Of what a restore would replace. */
async function firstKey(store: KeyValueStore): Promise<string | undefined> {
  const { revision } = await store.status();
  for await (const { key, lease } of readRange(store, { start: '' }, { revision })) {
    if (lease === 0n && key !== installationKey) return key;
  }
  return undefined;
}

/** A wrong address must not cost another platform its metadata. */
async function requireSame(
  store: KeyValueStore,
  restored: Installation | undefined,
  named: string,
): Promise<void> {
  const own = await findInstallation(store);
  if (own === undefined || restored === undefined || own.id === restored.id) return;
  if (own.id !== named) throw restoreForeign(own.id, restored.id);
}

/** Of two restores that begin at once, one is refused. */
async function begin(store: KeyValueStore, replace: boolean): Promise<void> {
  const { succeeded } = await store.transaction({
    compare: replace ? [] : [{ key: restoreMarker, target: 'createRevision', to: 0n }],
    success: [{ op: 'put', key: restoreMarker, value: new Uint8Array() }],
  });
  if (!succeeded) throw storeNotEmpty(restoreMarker);
}

/** Deletes what no lease will. */
async function clear(store: KeyValueStore): Promise<number> {
  const { revision } = await store.status();
  const batches = new Batches(store, 'delete');
  let count = 0;
  for await (const { key, lease } of readRange(store, { start: '' }, { revision })) {
    if (lease !== 0n || key === restoreMarker || key === installationKey) continue;
    count++;
    await batches.add({ op: 'delete', key }, key.length);
  }
  await batches.end();
  return count;
}

async function writeAll(store: KeyValueStore, file: string): Promise<void> {
  const batches = new Batches(store, 'create');
  const aged: metadata.BackupEntry[] = [];
  for await (const part of decodeBackup(createReadStream(file))) {
    if (part.$case !== 'entry') continue;
    const { key, value } = part.value;
    if (key === installationKey) continue;
    if (byAge.some(({ start }) => key.startsWith(start))) aged.push(part.value);
    else await batches.add({ op: 'put', key, value }, key.length + value.byteLength);
  }
  await batches.end();
  aged.sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
  for (const { key, value } of aged) await write(store, [{ op: 'put', key, value }], 'create');
}

type Kind = 'create' | 'delete';
type KeyOperation = Extract<StoreOperation, { readonly op: 'put' | 'delete' }>;

/** Gathers operations and runs several transactions at once. */
class Batches {
  readonly #store: KeyValueStore;
  readonly #kind: Kind;
  readonly #running = new Set<Promise<void>>();
  #operations: KeyOperation[] = [];
  #bytes = 0;

  constructor(store: KeyValueStore, kind: Kind) {
    this.#store = store;
    this.#kind = kind;
  }

  async add(operation: KeyOperation, bytes: number): Promise<void> {
    const full =
      this.#operations.length >= batchLimits.operations || this.#bytes + bytes > batchLimits.bytes;
    if (full) await this.#flush();
    this.#operations.push(operation);
    this.#bytes += bytes;
  }

  async end(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#running);
  }

  async #flush(): Promise<void> {
    if (this.#operations.length === 0) return;
    const running = write(this.#store, this.#operations, this.#kind);
    [this.#operations, this.#bytes] = [[], 0];
    this.#running.add(running);
    running.then(
      () => this.#running.delete(running),
      () => undefined, // Stays: whoever waits next is told.
    );
    if (this.#running.size >= concurrentBatches) await Promise.race(this.#running);
  }
}

/** @throws RESTORE_CONFLICT when a key is there that should not be. */
async function write(
  store: KeyValueStore,
  operations: readonly KeyOperation[],
  kind: Kind,
): Promise<void> {
  const keys = operations.map(({ key }) => key);
  const { succeeded, results } = await store.transaction({
    compare:
      kind === 'create' ? keys.map((key) => ({ key, target: 'createRevision', to: 0n })) : [],
    success: operations,
    failure: keys.map((key) => ({ op: 'get', key })),
  });
  if (succeeded) return;
  const found = results.find((result) => result.op === 'get' && result.entry !== undefined);
  throw restoreConflict(found?.op === 'get' ? found.entry!.key : keys[0]!);
}
