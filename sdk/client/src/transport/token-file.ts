import { readFileSync } from 'node:fs';
import { tokenFileUnreadable } from '../errors.ts';

/** A token, or what gives the one that is good now. */
export type TokenSource = string | (() => string);

/** How long a token that was read counts before the file is looked at again, milliseconds. */
const rereadMs = 1_000;

/**
 * The token in a file's first line: what `tessera token create` printed, with or without the id before it. The file is read
 * again as time goes by, so that a new token takes the place of one that ends; while it cannot be read the last one stays.
 * @throws TOKEN_FILE_UNREADABLE when it cannot be read the first time
 */
export function tokenFrom(file: string, nowMs = () => performance.now()): () => string {
  let token = read(file);
  let readAtMs = nowMs();
  return () => {
    if (nowMs() - readAtMs < rereadMs) return token;
    readAtMs = nowMs();
    try {
      token = read(file);
    } catch {
      // It is being replaced, or is gone: whoever is asked says so when the token is no good.
    }
    return token;
  };
}

function read(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw tokenFileUnreadable(file, cause);
  }
  const token = text.split(/\r?\n/)[0]!.trim().split(/\s+/).at(-1)!;
  if (token === '') throw tokenFileUnreadable(file, 'its first line is empty');
  return token;
}
