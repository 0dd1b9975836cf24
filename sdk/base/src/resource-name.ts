import { Code, TesseraError } from './error.ts';

/**
 * Resource names as AIP-122 has them: `projects/{project}/cubes/{cube}/segments/{segment}`. An id is
 * 1 to 128 characters of lower case letters, digits, `_`, `-` and `.`, and starts with a letter or digit.
 */
const idPattern = /^[a-z0-9][a-z0-9_.-]{0,127}$/;

export function isResourceId(id: string): boolean {
  return idPattern.test(id);
}

/** @throws INVALID_ARGUMENT BAD_RESOURCE_ID */
export function checkResourceId(id: string, what: string): string {
  if (!isResourceId(id)) {
    throw new TesseraError({
      code: Code.INVALID_ARGUMENT,
      reason: 'BAD_RESOURCE_ID',
      message: `${what} ${JSON.stringify(id)} is not a valid id: use 1 to 128 of a-z, 0-9, '_', '-', '.', starting with a letter or digit.`,
      metadata: { id, what },
    });
  }
  return id;
}

/**
 * Parses a name by a pattern such as `projects/{project}/cubes/{cube}`.
 * @throws INVALID_ARGUMENT BAD_RESOURCE_NAME when the shape or an id is wrong.
 */
export function parseResourceName(name: string, pattern: string): Readonly<Record<string, string>> {
  const wanted = pattern.split('/');
  const given = name.split('/');
  const ids: Record<string, string> = {};
  const fits =
    wanted.length === given.length &&
    wanted.every((part, i) => {
      const value = given[i]!;
      if (!part.startsWith('{')) return part === value;
      ids[part.slice(1, -1)] = value;
      return isResourceId(value);
    });
  if (fits) return ids;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_RESOURCE_NAME',
    message: `${JSON.stringify(name)} is not of the form ${pattern}.`,
    metadata: { name, pattern },
  });
}

/** The id of a resource itself: the last part of its name. */
export function resourceIdOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
