import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { absent, writeDurably } from '@tessera/daemon';
import type { TokenMemory } from './fence-guard.ts';

/** The newest tokens in `fences.json` of the store's folder. */
export function tokenFile(root: string): TokenMemory {
  const path = join(root, 'fences.json');
  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch(absent);
      const tokens = JSON.parse(text ?? '{}') as Readonly<Record<string, string>>;
      return new Map(Object.entries(tokens).map(([lease, token]) => [lease, BigInt(token)]));
    },
    write: (tokens) => {
      const text = [...tokens].map(([lease, token]) => [lease, String(token)]);
      return writeDurably(path, JSON.stringify(Object.fromEntries(text)));
    },
  };
}
