import { badRequest } from '../errors.ts';

const defaultSize = 100;
const largestSize = 1000;

interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page of what is in order of its keys. The token is the last key that was shown. */
export function pageOf<T>(
  items: readonly T[],
  { pageSize, pageToken }: PageRequest,
  keyOf: (item: T) => string,
): { readonly items: T[]; readonly nextPageToken: string } {
  if (pageSize < 0) throw badRequest('page_size', 'must not be negative.');
  const size = Math.min(pageSize || defaultSize, largestSize);
  const after = Buffer.from(pageToken, 'base64url').toString();
  const rest = items.filter((item) => pageToken === '' || keyOf(item) > after);
  const shown = rest.slice(0, size);
  const last = shown.at(-1);
  const isMore = last !== undefined && rest.length > size;
  return {
    items: shown,
    nextPageToken: isMore ? Buffer.from(keyOf(last)).toString('base64url') : '',
  };
}
