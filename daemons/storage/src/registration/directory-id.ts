import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { absent, directoryIdentity, writeDurably } from '@tessera/daemon';

/** Tells this store's folder from every other; made when it is first asked for. */
export async function directoryIdOf(root: string): Promise<string> {
  const path = join(root, 'directory-id');
  const known = (await readFile(path, 'utf8').catch(absent))?.trim();
  if (known) return directoryIdentity(known);
  const made = randomUUID();
  await writeDurably(path, made);
  return directoryIdentity(made);
}
