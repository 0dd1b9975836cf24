import { createHash } from 'node:crypto';
import { badPageToken, badRequest } from '../errors.ts';

export const pageLimits = { default: 100, maximum: 1000 } as const;

/** Where the next page starts: after a key, in the view of one revision. */
export interface Page {
  readonly revision: bigint;
  readonly after: string;
}

/** A page token is only good for the request it came from: `query` is all of that but page size and token. */
export function encodePageToken(page: Page, query: readonly unknown[]): string {
  const fields = [`${page.revision}`, page.after, digestOf(query)];
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/** @throws INVALID_ARGUMENT BAD_PAGE_TOKEN. */
export function decodePageToken(token: string, query: readonly unknown[]): Page | undefined {
  if (token === '') return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw badPageToken();
  }
  const [revision, after, digest] = Array.isArray(fields) ? fields : [];
  const sound = /^\d{1,18}$/.test(String(revision)) && typeof after === 'string';
  if (!sound || digest !== digestOf(query)) throw badPageToken();
  return { revision: BigInt(revision), after };
}

/** @throws INVALID_ARGUMENT BAD_REQUEST when it is negative. */
export function pageSizeOf(asked: number): number {
  if (asked < 0) throw badRequest('page_size', 'must not be negative.');
  return Math.min(asked === 0 ? pageLimits.default : asked, pageLimits.maximum);
}

function digestOf(query: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 16);
}
