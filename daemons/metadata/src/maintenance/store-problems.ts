import { type flink, metadata } from '@tessera/proto';
import { nameOf } from '../resources/resource-key.ts';
import { restoreMarker } from '../resources/restore-marker.ts';
import { coverageKey, entryKey, isComplete, overlapsOf } from '../rules/coverage.ts';
import { projectOf, sourcesOf } from '../rules/project-rules.ts';
import { cubeOf, snapshotsOf } from '../rules/segment-rules.ts';
import { type Catalog, type FoundKey, type FoundResource, kinds } from './read-catalog.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

export type ProblemReason =
  | 'DANGLING_REFERENCE'
  | 'OVERLAPPING_SEGMENTS'
  | 'COVERAGE_INCOMPLETE'
  | 'UNDECODABLE_VALUE'
  | 'UNKNOWN_KEY'
  | 'RESTORE_INCOMPLETE';

/** What mends a problem without a loss. */
export type Remedy =
  | { readonly kind: 'retire'; readonly segment: metadata.Segment }
  | { readonly kind: 'reindex'; readonly cube: string; readonly modRevision: bigint }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: bigint };

export interface Problem {
  readonly reason: ProblemReason;
  readonly name: string;
  readonly detail: string;
  readonly remedy?: Remedy;
}

/** What the rules of resources never let happen: a bug, a hand in the store, or a restore that was broken off. */
export function findProblems(catalog: Catalog): Problem[] {
  return [
    ...catalog.undecodable.map(
      ({ key, detail }): Problem => ({ reason: 'UNDECODABLE_VALUE', name: key, detail }),
    ),
    ...[...catalog.resources.values()].flatMap((found) => danglingOf(catalog, found)),
    ...catalog.keys.flatMap((key) => problemOfKey(catalog, key)),
    ...overlapping(catalog),
    ...uncovered(catalog),
  ];
}

function danglingOf(catalog: Catalog, found: FoundResource): Problem[] {
  const { name } = found.resource;
  return referencesOf(found)
    .filter((target) => !catalog.resources.has(target))
    .map((target) => {
      const problem = {
        reason: 'DANGLING_REFERENCE',
        name,
        detail: `${target} is not there`,
      } as const;
      // Without its snapshot a segment must not answer; retired, its rows are read from the source.
      if (!target.includes('/snapshots/')) return problem;
      return {
        ...problem,
        remedy: { kind: 'retire', segment: found.resource as metadata.Segment },
      };
    });
}

/** Names that a resource cannot be without. */
function referencesOf({ kind, resource }: FoundResource): string[] {
  const { name } = resource;
  switch (kind) {
    case 'project':
    case 'operation':
    case 'host':
    case 'storage_node':
    case 'deployment':
    case 'flink_cluster':
    // Their statuses outlive clusters and jobs.
    case 'flink_cluster_status':
    case 'flink_job_status':
    case 'user':
    case 'group':
    case 'role':
      return [];
    case 'flink_job_scaling':
      return [name.replace('flink-job-scalings/', 'flink-jobs/')];
    case 'scaling_decision':
      return [name.replace(/\/scaling-decisions\/.*/, '')];
    case 'flink_job':
      return [(resource as flink.FlinkJob).spec?.cluster ?? ''];
    case 'model':
      return [projectOf(name), ...sourcesOf(resource as metadata.Model)];
    case 'cube': {
      const { spec } = resource as metadata.Cube;
      return [projectOf(name), `${projectOf(name)}/models/${spec?.model}`];
    }
    case 'segment': {
      const segment = resource as metadata.Segment;
      const retired = segment.state === SEGMENT_STATE_RETIRED;
      return [cubeOf(name), ...(retired ? [] : snapshotsOf(segment))];
    }
    default:
      return [projectOf(name)];
  }
}

function problemOfKey(catalog: Catalog, found: FoundKey): Problem[] {
  const { key, modRevision } = found;
  if (key === restoreMarker) {
    const detail = 'a restore is running or was broken off: restore again with replacement';
    return [{ reason: 'RESTORE_INCOMPLETE', name: key, detail }];
  }
  if (['requests', 'leases', 'secrets', 'installation'].includes(found.collection)) return [];
  const owner = ownerOf(found);
  if (owner === undefined) {
    const detail = 'this version of Tessera does not write such a key';
    return [{ reason: 'UNKNOWN_KEY', name: key, detail }];
  }
  if (catalog.resources.has(owner)) return [];
  const problem = {
    reason: 'DANGLING_REFERENCE',
    name: key,
    detail: `${owner} is not there, or cannot be read`,
  } as const;
  // Versions of what got lost are what it can be made from again; passwords exist nowhere else.
  const isKept = [
    ...['model-versions', 'deployment-versions', 'flink_cluster-versions', 'flink_job-versions'],
    'credentials',
  ];
  if (isKept.includes(found.collection)) return [problem];
  return [{ ...problem, remedy: { kind: 'delete', key, modRevision } }];
}

/** The resource that a key of the daemon belongs to. */
function ownerOf({ collection, ids: [first = '', second = '', ...rest] }: FoundKey) {
  switch (collection) {
    case 'journal':
    case 'ended':
      return `operations/${first}`;
    case 'credentials':
      return `users/${first}`;
    case 'deployment-versions':
      return `deployments/${first}`;
    case 'flink_cluster-versions':
      return `flink-clusters/${first}`;
    case 'flink_job-versions':
      return `flink-jobs/${first}`;
    case 'model-versions':
      return `projects/${first}/models/${second}`;
    case 'ready':
      return `projects/${first}/cubes/${second}/segments/${rest[1]}`;
    case 'coverage':
      return `projects/${first}/cubes/${second}`;
    case 'uses': {
      const kind = kinds.get(first);
      return kind && nameOf(kind.pattern, ['', '', '', first, second, ...rest].join('/'));
    }
    default:
      return undefined;
  }
}

/** READY segments that nobody would see who makes another one READY. */
function uncovered(catalog: Catalog): Problem[] {
  const keys = new Map(catalog.keys.map((found) => [found.key, found]));
  return [...readyByCube(catalog)].flatMap(([cube, segments]): Problem[] => {
    const found = keys.get(coverageKey(cube));
    const missing = segments.filter((segment) => !keys.has(entryKey(segment)));
    if (found === undefined || !isComplete(found.value) || missing.length === 0) return [];
    const detail = `${missing.map(({ name }) => name).join(', ')} is missing in what segments must not overlap`;
    const remedy = { kind: 'reindex', cube, modRevision: found.modRevision } as const;
    return [{ reason: 'COVERAGE_INCOMPLETE', name: cube, detail, remedy }];
  });
}

function readyByCube({ resources }: Catalog): ReadonlyMap<string, metadata.Segment[]> {
  const ready = [...resources.values()]
    .filter(({ kind }) => kind === 'segment')
    .map(({ resource }) => resource as metadata.Segment)
    .filter(({ state }) => state === SEGMENT_STATE_READY);
  return Map.groupBy(ready, ({ name }) => cubeOf(name));
}

function overlapping(catalog: Catalog): Problem[] {
  return [...readyByCube(catalog).values()].flatMap((segments) =>
    overlapsOf(segments).map(([a, b]) => {
      // The rows of the one that was written first are then read from the other or from the source.
      const [older, newer] = a.revision < b.revision ? [a, b] : [b, a];
      const detail = `${newer.name} holds some of the same rows`;
      const remedy = { kind: 'retire', segment: older } as const;
      return { reason: 'OVERLAPPING_SEGMENTS', name: older.name, detail, remedy } as const;
    }),
  );
}
