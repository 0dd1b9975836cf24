import { parseResourceName } from '@tessera/base';
import type { ScanPlan } from '../scan-plan.ts';

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

/** Where every storage daemon keeps the file, relative to its folder. */
export function layoutPath({ cube, layout, segment, fileDigest }: LayoutFile): string {
  const ids = parseResourceName(cube, 'projects/{project}/cubes/{cube}');
  return `cuboids/${ids.project}/${ids.cube}/${segment}/${layout}-${fileDigest}.parquet`;
}
