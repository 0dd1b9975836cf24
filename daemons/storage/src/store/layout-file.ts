import { parseResourceName } from '@tessera/base';
import type { LayoutFile } from '@tessera/cube';
import { type StoredFileName, storedPath } from '../files/stored-path.ts';

export { filesOf, type LayoutFile } from '@tessera/cube';

export function storedName({ cube, layout, segment, fileDigest }: LayoutFile): StoredFileName {
  return { kind: 'layout', cube, segment, id: layout, fileDigest };
}

export function pathOfLayout(file: LayoutFile): string {
  return storedPath(storedName(file));
}

/** Id of the project of a cube. */
export function projectOf(cube: string): string {
  return parseResourceName(cube, 'projects/{project}/cubes/{cube}')['project']!;
}
