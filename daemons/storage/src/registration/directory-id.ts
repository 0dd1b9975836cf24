import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryIdentity } from '@tessera/daemon';
import { absent, writeDurably } from '../files/file-system.ts';

/** Tells this store's folder from every other; made when it is first asked for. */
export async function directoryIdOf(root: string): Promise<string> {
  const path = join(root, 'directory-id');
  const known = (await readFile(path, 'utf8').catch(absent))?.trim();
  if (known) return directoryIdentity(known);
  const made = randomUUID();
  await writeDurably(path, made, root);
  return directoryIdentity(made);
}
