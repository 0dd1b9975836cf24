import { resourceIdOf } from '@tessera/base';
import { metadata, storage } from '@tessera/proto';
import { hasContent } from '../build/missing-layouts.ts';
import type { StoredItem } from './stored-item.ts';

export interface ReplicatedResources {
  readonly segments: readonly metadata.Segment[];
  readonly snapshots: readonly metadata.Snapshot[];
  readonly dictionaries: readonly metadata.Dictionary[];
  readonly cubes: readonly metadata.Cube[];
}

/**
 * Items of segments that were made before, by the segments as they were read: of a hundred thousand a change concerns few. Good
 * for as long as snapshots, cubes and the replication stay the same.
 */
export type KnownItems = WeakMap<metadata.Segment, StoredItem>;

/**
 * What shall be replicated of all that metadata names: READY segments that have files, snapshots and dictionaries. Layouts
 * in quarantine have no whole copy and are left out until they are built again.
 */
export function storedItems(
  resources: ReplicatedResources,
  replication: number,
  known: KnownItems = new WeakMap(),
): StoredItem[] {
  const { segments, snapshots, dictionaries, cubes } = resources;
  const byName = new Map(snapshots.map((snapshot) => [snapshot.name, snapshot]));
  const ofCube = new Map(cubes.map(({ name, spec }) => [name, spec?.replication || replication]));
  const ready = segments.filter(
    ({ state, layouts }) =>
      state === metadata.SegmentState.SEGMENT_STATE_READY && layouts.some(isStored),
  );
  const users = usersOf(ready);
  return [
    ...ready.map((segment) => {
      const item =
        known.get(segment) ??
        segmentItem(segment, byName, ofCube.get(cubeOf(segment)) ?? replication);
      known.set(segment, item);
      return item;
    }),
    ...snapshots.map((snapshot) => ({
      ...fileItem(snapshot, 'snapshot', snapshot.sizeBytes, replication),
      usedOn: [...(users.get(snapshot.name) ?? [])],
    })),
    ...dictionaries.map((one) => fileItem(one, 'dictionary', 0n, replication)),
  ];
}

/** A segment with the files of its layouts and of the snapshots that it was built with. */
export function segmentItem(
  segment: Pick<metadata.Segment, 'name' | 'layouts' | 'snapshots' | 'replicas' | 'inDeepStorage'>,
  snapshots: ReadonlyMap<string, metadata.Snapshot>,
  replication: number,
): StoredItem {
  const layouts = segment.layouts.filter(isStored);
  const used = snapshotNames(segment).flatMap((name) => snapshots.get(name) ?? []);
  return {
    name: segment.name,
    kind: 'segment',
    files: [...layouts, ...used].map(pulledFile),
    bytes: layouts.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0),
    recorded: segment.replicas,
    inDeepStorage: segment.inDeepStorage,
    replication,
  };
}

/** What a node loads into memory before it is asked for it. */
export function filesToWarm({ name, layouts }: Pick<metadata.Segment, 'name' | 'layouts'>) {
  return layouts.filter(isStored).map(({ id, file, fileDigest }) => ({
    cube: cubeOf({ name }),
    kind: storage.StoredFileKind.STORED_FILE_KIND_LAYOUT,
    segment: resourceIdOf(name),
    id,
    file,
    fileDigest,
  }));
}

/** Resource names of the snapshots that a segment was built with. */
export function snapshotNames({
  name,
  snapshots,
}: Pick<metadata.Segment, 'name' | 'snapshots'>): string[] {
  const project = name.split('/').slice(0, 2).join('/');
  return Object.values(snapshots).map((id) => `${project}/snapshots/${id}`);
}

export function pulledFile({
  file,
  fileDigest,
  sizeBytes = 0n,
}: {
  readonly file: string;
  readonly fileDigest: string;
  readonly sizeBytes?: bigint;
}): storage.PulledFile {
  return { file, fileDigest, sizeBytes };
}

function fileItem(
  resource: metadata.Snapshot | metadata.Dictionary,
  kind: 'snapshot' | 'dictionary',
  sizeBytes: bigint,
  replication: number,
): StoredItem {
  const { name, file, fileDigest, replicas, inDeepStorage } = resource;
  return {
    name,
    kind,
    files: [{ file, fileDigest, sizeBytes }],
    bytes: Number(sizeBytes),
    recorded: replicas,
    inDeepStorage,
    replication,
  };
}

/** By name of a snapshot: the nodes that hold segments which were built with it. */
function usersOf(segments: readonly metadata.Segment[]): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const segment of segments) {
    for (const name of snapshotNames(segment)) {
      const nodes = users.get(name) ?? new Set();
      users.set(name, nodes);
      for (const node of segment.replicas) nodes.add(node);
    }
  }
  return users;
}

function isStored({ file, quarantined }: metadata.Layout): boolean {
  return hasContent(file) && !quarantined;
}

function cubeOf({ name }: Pick<metadata.Segment, 'name'>): string {
  return name.slice(0, name.indexOf('/segments/'));
}
