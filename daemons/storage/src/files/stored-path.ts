import { checkResourceId, parseResourceName } from '@tessera/base';
import { layoutPath } from '@tessera/cube';
import { badPath } from '../errors.ts';

export type StoredFileKind = 'layout' | 'snapshot' | 'dictionary';

/** What a stored file is. Its content is part of its name, so a path never means something else later. */
export interface StoredFileName {
  readonly kind: StoredFileKind;
  /** `projects/{project}/cubes/{cube}`. */
  readonly cube: string;
  /** Layouts only. */
  readonly segment?: string;
  /** Layout, snapshot or dictionary id. */
  readonly id: string;
  /** SHA-256 in hexadecimal. */
  readonly fileDigest: string;
}

/**
 * Where a file is kept, relative to the store's folder:
 * `cuboids/{project}/{cube}/{segment}/{layout}-{digest}.parquet`, `snapshots/{project}/{id}-{digest}.parquet`,
 * `dictionaries/{project}/{id}-{digest}.parquet`.
 */
export function storedPath(name: StoredFileName): string {
  const { project } = parseResourceName(name.cube, 'projects/{project}/cubes/{cube}');
  const { cube, id: layout, fileDigest } = name;
  const file = `${checkResourceId(name.id, 'File id')}-${checkDigest(fileDigest)}.parquet`;
  switch (name.kind) {
    case 'layout': {
      const segment = checkResourceId(name.segment ?? '', 'Segment');
      return layoutPath({ cube, layout, segment, fileDigest });
    }
    case 'snapshot':
      return `snapshots/${project}/${file}`;
    case 'dictionary':
      return `dictionaries/${project}/${file}`;
  }
}

/** What a path of `storedPath` says; undefined for any other file. Snapshots and dictionaries have no cube in it. */
export function parseStoredPath(path: string):
  | {
      readonly kind: StoredFileKind;
      readonly project: string;
      readonly cube?: string;
      readonly segment?: string;
      readonly id: string;
      readonly fileDigest: string;
    }
  | undefined {
  const parts = path.split('/');
  const file = /^(.+)-([0-9a-f]{64})\.parquet$/.exec(parts.at(-1)!);
  if (file === null) return undefined;
  const [id, fileDigest] = [file[1]!, file[2]!];
  const [folder, project, cube, segment] = parts as [string, string, string, string];
  if (folder === 'cuboids' && parts.length === 5) {
    return {
      kind: 'layout',
      project,
      cube: `projects/${project}/cubes/${cube}`,
      segment,
      id,
      fileDigest,
    };
  }
  if (parts.length !== 3) return undefined;
  if (folder === 'snapshots') return { kind: 'snapshot', project, id, fileDigest };
  if (folder === 'dictionaries') return { kind: 'dictionary', project, id, fileDigest };
  return undefined;
}

function checkDigest(digest: string): string {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw badPath(digest);
  return digest;
}

/** A path from outside, relative and without a way up. */
export function checkRelative(path: string): string {
  const parts = path.split('/');
  const fine = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!fine || path.includes('\\') || path.includes('\0')) throw badPath(path);
  return path;
}
