import { type KeyRange, parseResourceName, prefixRange } from '@tessera/base';
import { badRequest } from '../errors.ts';

/**
 * Where a resource is kept: `projects/p/cubes/c/segments/s` under `/tessera/v1/segments/p/c/s`. One key per
 * resource, and the kind first, so that a list or a watch of one kind reads nothing else.
 */
export const root = '/tessera/v1';

/** @throws BAD_RESOURCE_NAME when the name does not fit the pattern. */
export function keyOf(pattern: string, name: string): string {
  return `${root}/${collectionOf(pattern)}/${idsOf(pattern, name).join('/')}`;
}

/** The inverse of `keyOf`. */
export function nameOf(pattern: string, key: string): string {
  const ids = key.split('/').slice(4);
  let next = 0;
  return pattern.replaceAll(/\{[^}]+\}/g, () => ids[next++]!);
}

/** The ids in a name, in order. */
export function idsOf(pattern: string, name: string): string[] {
  return Object.values(parseResourceName(name, pattern));
}

export interface Selection {
  readonly range: KeyRange;
  /** What the range has too much, when `-` stands for an id that others follow. */
  readonly matches: (key: string) => boolean;
}

/**
 * The keys of all children of `parent`, in which `-` stands for any id.
 * @throws BAD_RESOURCE_NAME.
 */
export function selectChildren(pattern: string, parent: string): Selection {
  const parentPattern = parentOf(pattern);
  const ids = parentPattern === '' ? [] : wildcardIds(parentPattern, parent);
  const wild = ids.indexOf('-');
  const fixed = wild < 0 ? ids : ids.slice(0, wild);
  const prefix = `${[root, collectionOf(pattern), ...fixed].join('/')}/`;
  return {
    range: prefixRange(prefix),
    matches: (key) => {
      const found = key.split('/').slice(4);
      return ids.every((id, i) => id === '-' || id === found[i]);
    },
  };
}

/** The keys of one kind below a name: everything of a project, or of a cube. */
export function selectBelow(collection: string, ids: readonly string[]): KeyRange {
  return prefixRange(`${[root, collection, ...ids].join('/')}/`);
}

/** Keys of the daemon itself, beside those of resources. */
export function internalKey(collection: string, ...parts: readonly string[]): string {
  return [root, collection, ...parts].join('/');
}

/** `projects/{project}` of `projects/{project}/models/{model}`; empty for what stands at the top. */
export function parentOf(pattern: string): string {
  return pattern.split('/').slice(0, -2).join('/');
}

export function collectionOf(pattern: string): string {
  return pattern.split('/').at(-2)!;
}

function wildcardIds(pattern: string, parent: string): string[] {
  if (parent === '') throw badRequest('parent', `must be of the form ${pattern}.`);
  // `-` is no id by itself; parsed as one that is, and put back.
  const parts = parent.split('/');
  const shape = parts.map((part, i) => (part === '-' && i % 2 === 1 ? 'any' : part)).join('/');
  parseResourceName(shape, pattern);
  return parts.filter((_, i) => i % 2 === 1);
}
