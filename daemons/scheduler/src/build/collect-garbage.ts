import { type Clock, isTesseraError } from '@tessera/base';
import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { SchedulerConfig } from '../config.ts';
import { allCubes } from '../operations/operation.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import type { KeptResources } from '../replicas/kept.ts';
import { isRetiredBefore, microsOf } from './maintenance-due.ts';
import { modelsOfSegments, unusedDictionaries } from './unused-dictionaries.ts';

const { OperationState } = metadata;

export interface GarbageOptions {
  readonly clients: SchedulerClients;
  readonly store: BuildStore;
  readonly clock: Clock;
  readonly config: Pick<SchedulerConfig, 'retiredGraceMs' | 'operationRetentionMs'>;
}

export interface Collected {
  readonly deletedFiles: bigint;
  readonly deletedBytes: bigint;
}

const nothing: Collected = { deletedFiles: 0n, deletedBytes: 0n };

/**
 * Deletes what nobody needs any more: retired segments, unused snapshots and dictionaries after the grace time, the files that no
 * resource names, and operations that ended long ago. Whatever an operation that has not ended may have made or may
 * need stays, except for those of `self`, which asks. A metadata store without a single project says nothing about
 * files: it may be new, and about to be restored.
 */
export async function collectGarbage(options: GarbageOptions, self?: string): Promise<Collected> {
  const { clients, clock, config } = options;
  const operations = await operationsOf(clients);
  await deleteEndedLongAgo(options, operations);
  const busy = busyCubes(operations, self);
  if (busy === 'all') return nothing;
  const { projects } = await clients.projects.listProjects({ pageSize: 1 });
  if (projects.length === 0) return nothing;
  const before = clock.now() - BigInt(config.retiredGraceMs) * 1000n;
  const isBusy = (name: string) => busy.some((cube) => projectOf(cube) === projectOf(name));
  const { segments, snapshots: used } = await deleteRetired(options, before, isBusy);
  const cubes = await listAll(clients, 'cubes', { parent: 'projects/-' });
  const snapshots = await deleteUnused(options, before, used, isBusy);
  const stands = { segments, snapshots, cubes: cubes.resources };
  const dictionaries = await deleteDictionaries(options, before, stands, isBusy);
  // What has begun meanwhile takes files in that these resources do not name.
  const begun = busyCubes(await operationsOf(clients), self);
  if (begun === 'all') return nothing;
  const { deletedFiles, deletedBytes } = await options.store.deleteUnreferenced({
    resources: { ...stands, dictionaries },
    busyCubes: [...busy, ...begun],
    graceMicros: BigInt(config.retiredGraceMs) * 1000n,
  });
  return { deletedFiles, deletedBytes };
}

async function operationsOf(clients: SchedulerClients): Promise<metadata.OperationRecord[]> {
  return (await listAll(clients, 'operationRecords', {})).resources;
}

async function deleteEndedLongAgo(
  { clients, clock, config }: GarbageOptions,
  operations: readonly metadata.OperationRecord[],
): Promise<void> {
  const before = clock.now() - BigInt(config.operationRetentionMs) * 1000n;
  for (const { name, endTime, ...operation } of operations) {
    if (!hasEnded(operation) || endTime === undefined || microsOf(endTime) >= before) continue;
    await clients.operationRecords.deleteOperationRecord({ name, allowMissing: true });
  }
}

/** Cubes that operations other than `self` work on, or wait to. */
function busyCubes(
  operations: readonly metadata.OperationRecord[],
  self: string | undefined,
): readonly string[] | 'all' {
  const targets = operations
    .filter((operation) => !hasEnded(operation) && operation.name !== self)
    .map(({ target }) => target);
  return targets.includes(allCubes) ? 'all' : targets;
}

function hasEnded({ state }: Pick<metadata.OperationRecord, 'state'>): boolean {
  return (
    state !== OperationState.OPERATION_STATE_PENDING &&
    state !== OperationState.OPERATION_STATE_RUNNING
  );
}

/**
 * Deletes segments that were retired before; returns what the others use. Their files go when nobody has named them
 * for the grace time: a build that begins now may give the same ones again.
 */
async function deleteRetired(
  { clients }: GarbageOptions,
  before: bigint,
  isBusy: (name: string) => boolean,
) {
  const { resources } = await listAll(clients, 'segments', { parent: 'projects/-/cubes/-' });
  const old = resources.filter(
    (segment) => isRetiredBefore(segment, before) && !isBusy(segment.name),
  );
  const gone = new Set(old.map(({ name }) => name));
  for (const { name, etag } of old) {
    await clients.segments.deleteSegment({ name, etag, allowMissing: true });
  }
  const kept = resources.filter(({ name }) => !gone.has(name));
  const snapshots = new Set(
    kept.flatMap(({ name, snapshots: ids }) =>
      Object.values(ids).map((id) => `${projectOf(name)}/snapshots/${id}`),
    ),
  );
  return { segments: kept, snapshots };
}

/** Deletes the copies of lookups that no segment was built with; returns the others. */
async function deleteUnused(
  { clients }: GarbageOptions,
  before: bigint,
  used: ReadonlySet<string>,
  isBusy: (name: string) => boolean,
): Promise<metadata.Snapshot[]> {
  const { resources } = await listAll(clients, 'snapshots', { parent: 'projects/-' });
  const kept: metadata.Snapshot[] = [];
  for (const snapshot of resources) {
    const { name, etag, updateTime } = snapshot;
    const unused = !used.has(name) && !isBusy(name) && microsOf(updateTime) <= before;
    if (unused && (await deleteSnapshot(clients, name, etag))) continue;
    kept.push(snapshot);
  }
  return kept;
}

/** Deletes the versions of dictionaries that no build will go on from; returns the others. */
async function deleteDictionaries(
  { clients }: GarbageOptions,
  before: bigint,
  { segments, cubes }: Pick<KeptResources, 'segments' | 'cubes'>,
  isBusy: (name: string) => boolean,
): Promise<metadata.Dictionary[]> {
  const { resources } = await listAll(clients, 'dictionaries', { parent: 'projects/-' });
  const models = modelsOfSegments(cubes, segments);
  const unused = new Set(
    unusedDictionaries(resources, { models, before }).filter(({ name }) => !isBusy(name)),
  );
  for (const { name, etag } of unused) {
    await clients.dictionaries.deleteDictionary({ name, etag, allowMissing: true });
  }
  return resources.filter((dictionary) => !unused.has(dictionary));
}

/** False when somebody uses it after all. */
async function deleteSnapshot(
  clients: SchedulerClients,
  name: string,
  etag: string,
): Promise<boolean> {
  try {
    await clients.snapshots.deleteSnapshot({ name, etag, allowMissing: true });
    return true;
  } catch (error) {
    if (isTesseraError(error, 'SNAPSHOT_IN_USE') || isTesseraError(error, 'ETAG_MISMATCH'))
      return false;
    throw error;
  }
}

function projectOf(name: string): string {
  return name.split('/').slice(0, 2).join('/');
}
