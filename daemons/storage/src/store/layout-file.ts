import type { ScanPlan } from '@tessera/cube';
import { type StoredFileName, storedPath } from '../files/stored-path.ts';

/** One stored layout of one segment. */
export interface LayoutFile {
  readonly cube: string;
  readonly layout: string;
  readonly segment: string;
  readonly fileDigest: string;
}

/** The files that a plan reads. */
export function filesOf({ cube, layout, segments }: ScanPlan): LayoutFile[] {
  return segments.map(({ id, fileDigest }) => ({ cube, layout, segment: id, fileDigest }));
}

export function storedName({ cube, layout, segment, fileDigest }: LayoutFile): StoredFileName {
  return { kind: 'layout', cube, segment, id: layout, fileDigest };
}

export function pathOfLayout(file: LayoutFile): string {
  return storedPath(storedName(file));
}
