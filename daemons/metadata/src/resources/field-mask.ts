import { nearestName } from '@tessera/base';
import { badRequest } from '../errors.ts';
import type { Resource, ResourceKind } from './resource-kind.ts';

/** Only what a caller may set. */
export function pickFields<T extends Resource>(kind: ResourceKind<T>, resource: T): Partial<T> {
  const picked: Partial<T> = {};
  for (const field of Object.values({ ...kind.fields, ...kind.namedFields })) {
    picked[field] = resource[field];
  }
  return picked;
}

/**
 * `before` with the masked fields of `given`; an empty mask, or `*`, means all that can be set.
 * @throws INVALID_ARGUMENT BAD_REQUEST when a path is no such field.
 */
export function applyMask<T extends Resource>(
  kind: ResourceKind<T>,
  before: T,
  given: T,
  mask: readonly string[] = [],
): T {
  const all = mask.length === 0 || (mask.length === 1 && mask[0] === '*');
  const paths = all ? Object.keys(kind.fields) : mask;
  const changed = { ...before };
  for (const path of paths) {
    const field = kind.fields[path] ?? kind.namedFields?.[path];
    if (field === undefined) throw badRequest('update_mask', refusal(kind, path));
    changed[field] = given[field];
  }
  return changed;
}

function refusal<T extends Resource>(kind: ResourceKind<T>, path: string): string {
  const fields = Object.keys({ ...kind.fields, ...kind.namedFields });
  const near = nearestName(path, fields);
  const hint = near === undefined ? '' : ` Did you mean ${JSON.stringify(near)}?`;
  return `${JSON.stringify(path)} cannot be set; these can: ${fields.join(', ')}.${hint}`;
}
