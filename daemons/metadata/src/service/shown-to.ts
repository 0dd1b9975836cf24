/** What a reader is shown of a resource: all of it where there is no caller, as for daemons and where access is open. */
import { type Caller, permits } from '@tessera/access';
import { withoutSecrets } from '@tessera/base';
import { projectOf } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';

/** Credentials of a source are for those who may write it. */
export function shownSource(source: metadata.Source, caller: Caller | undefined): metadata.Source {
  if (caller === undefined || permits(caller.roles, 'administer', {})) return source;
  return { ...source, config: withoutSecrets(source.config) as metadata.Source['config'] };
}

/** The smallest and the largest value of a column are data, which who only operates has no business with. */
export function shownSegment(
  segment: metadata.Segment,
  caller: Caller | undefined,
): metadata.Segment {
  const project = projectOf(segment.name);
  if (caller === undefined || permits(caller.roles, 'build', { project })) return segment;
  const layouts = segment.layouts.map((layout) => ({
    ...layout,
    columns: layout.columns.map((column) => ({
      ...column,
      minimum: undefined,
      maximum: undefined,
    })),
  }));
  return { ...segment, layouts };
}
