import { diffResources, type Resource } from '@tessera/cube';

/** What a version of a resource changed: the fields, or the older version that it is the same as. Both lists are of the same versions, newest first. */
export function changesOf(
  versions: readonly { readonly version: bigint }[],
  resources: readonly Resource[],
  i: number,
): string {
  const [resource, ...older] = resources.slice(i);
  const [previous] = older;
  if (resource === undefined || previous === undefined) return 'the first one';
  const same = older.findIndex((other) => diffResources([other], [resource]).length === 0);
  if (same >= 0) return `as version ${versions[i + 1 + same]!.version}`;
  const [diff] = diffResources([previous], [resource]);
  return diff?.fields.map(({ field }) => field).join(', ') ?? 'their order';
}
