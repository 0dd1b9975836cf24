import { listAll } from '@tessera/client';
import type { metadata } from '@tessera/proto';
import type { BuildStore, NewItem } from '../replicas/build-store.ts';
import { filesToWarm, pulledFile, segmentItem } from '../replicas/items.ts';
import type { ObservedCube } from './observe.ts';

export interface ToPublish {
  readonly cube: Pick<ObservedCube, 'project' | 'replication'>;
  readonly segments: readonly metadata.Segment[];
  readonly dictionaries: readonly metadata.Dictionary[];
  /** Segments of the cube as they are: a segment that gets more layouts stays where it is. */
  readonly present: readonly metadata.Segment[];
  /** Files that were just made: they are loaded into memory before anybody asks for them. */
  readonly built: ReadonlySet<string>;
}

/**
 * Copies what is about to be published to the nodes that shall have it, and loads it there. Returns the same with the nodes
 * that hold it.
 */
export async function withReplicas(
  store: BuildStore,
  { cube, segments, dictionaries, present, built }: ToPublish,
  signal: AbortSignal,
): Promise<Pick<ToPublish, 'segments' | 'dictionaries'>> {
  const snapshots = await snapshotsOf(store, cube.project, segments);
  const before = new Map(present.map(({ name, replicas }) => [name, replicas]));
  const replication = cube.replication || store.replication;
  const items: NewItem[] = [
    ...segments.map((segment) => ({
      ...segmentItem(segment, snapshots, replication),
      recorded: before.get(segment.name) ?? [],
      toWarm: filesToWarm(segment).filter(({ file }) => built.has(file)),
    })),
    ...dictionaries.map(({ name, file, fileDigest }) => ({
      name,
      kind: 'dictionary' as const,
      files: [pulledFile({ file, fileDigest })],
      bytes: 0,
      recorded: [],
      replication: store.replication,
      toWarm: [],
    })),
  ];
  const stored = items.filter(({ files }) => files.length > 0);
  const replicas = await store.spread(stored, signal);
  const held = <T extends { readonly name: string }>(resource: T) => ({
    ...resource,
    replicas: [...(replicas.get(resource.name) ?? [])],
  });
  return { segments: segments.map(held), dictionaries: dictionaries.map(held) };
}

async function snapshotsOf(
  { clients }: BuildStore,
  project: string,
  segments: readonly metadata.Segment[],
): Promise<ReadonlyMap<string, metadata.Snapshot>> {
  if (segments.every(({ snapshots }) => Object.keys(snapshots).length === 0)) return new Map();
  const { resources } = await listAll(clients, 'snapshots', { parent: `projects/${project}` });
  return new Map(resources.map((snapshot) => [snapshot.name, snapshot]));
}
