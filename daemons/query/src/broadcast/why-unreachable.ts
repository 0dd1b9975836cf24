import { Code, type TesseraError } from '@tessera/base';
import type { LayoutFile } from '@tessera/cube';
import { noReplicaStored, segmentUnreachable } from '../errors.ts';
import { isUnreadable } from '../execute/unreadable.ts';
import type { Replicas } from './segment-locator.ts';

/**
 * Why files cannot be read, told of the first one that no daemon gave. When each of its daemons says that it does not
 * have the file, or has it damaged, that is the failure: then planning again without it helps. Otherwise waiting does.
 */
export function whyUnreachable(
  files: readonly { readonly file: LayoutFile; readonly replicas: Replicas }[],
  failures: ReadonlyMap<string, TesseraError>,
): TesseraError {
  const failed = files.find(({ replicas }) => replicas.daemons.every((name) => failures.has(name)));
  const { file, replicas } = failed ?? files[0]!;
  const { segment, layout } = file;
  const errors = replicas.daemons.map((daemon) => failures.get(daemon));
  const unreadable = errors.filter((error) => error !== undefined && isUnreadable(error));
  if (replicas.unasked.length === 0 && unreadable.length === errors.length) {
    const damaged = unreadable.find((error) => error?.code === Code.DATA_LOSS);
    return damaged ?? unreadable[0] ?? noReplicaStored(segment, layout);
  }
  const asked = replicas.daemons.map((daemon, i) => ({
    daemon,
    reason: errors[i]?.reason ?? 'NO_ANSWER',
  }));
  return segmentUnreachable(segment, layout, [...asked, ...replicas.unasked]);
}
