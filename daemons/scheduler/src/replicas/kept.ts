import type { metadata } from '@tessera/proto';
import { hasContent } from '../build/missing-layouts.ts';
import { snapshotNames } from './items.ts';

/** Everything that names files, whatever its state. */
export interface KeptResources {
  readonly segments: readonly metadata.Segment[];
  readonly snapshots: readonly metadata.Snapshot[];
  readonly dictionaries: readonly metadata.Dictionary[];
  readonly cubes: readonly metadata.Cube[];
}

export interface KeptView extends KeptResources {
  /** Nodes that an item shall be on where its cube does not say. */
  readonly replication: number;
  /** Ids of the nodes that are alive. */
  readonly alive: ReadonlySet<string>;
}

type Held = Pick<metadata.Segment, 'replicas'>;

/**
 * The files that a node keeps: those of what is recorded on it, with the snapshots of its segments; and whatever has too few
 * replicas that are alive, as a copy that is in no record may be the last one.
 */
export function keptOn(node: string, view: KeptView): string[] {
  const { segments, snapshots, dictionaries, cubes, replication, alive } = view;
  const ofCube = new Map(cubes.map(({ name, spec }) => [name, spec?.replication || replication]));
  const isKept = ({ replicas }: Held, wanted: number) =>
    replicas.includes(node) || replicas.filter((id) => alive.has(id)).length < wanted;
  const kept = segments.filter((segment) => {
    const cube = segment.name.slice(0, segment.name.indexOf('/segments/'));
    return isKept(segment, ofCube.get(cube) ?? replication);
  });
  const used = new Set(kept.flatMap(snapshotNames));
  return [
    ...kept.flatMap(layoutFiles),
    ...snapshots
      .filter((snapshot) => used.has(snapshot.name) || isKept(snapshot, replication))
      .map(({ file }) => file),
    ...dictionaries.filter((one) => isKept(one, replication)).map(({ file }) => file),
  ];
}

export function allFiles({ segments, snapshots, dictionaries }: KeptResources): string[] {
  return [
    ...segments.flatMap(layoutFiles),
    ...snapshots.map(({ file }) => file),
    ...dictionaries.map(({ file }) => file),
  ];
}

export function allDigests({ segments, snapshots, dictionaries }: KeptResources): string[] {
  const layouts = segments.flatMap((segment) => segment.layouts);
  const named = [...layouts, ...snapshots, ...dictionaries];
  return [...new Set(named.filter(({ file }) => hasContent(file)).map((one) => one.fileDigest))];
}

function layoutFiles({ layouts }: metadata.Segment): string[] {
  return layouts.map(({ file }) => file).filter(hasContent);
}
