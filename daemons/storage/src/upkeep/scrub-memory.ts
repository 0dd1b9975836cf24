import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { absent, writeDurably } from '@tessera/daemon';

/** How far scrubbing has come, kept beyond the life of the process: else files late in the order might never be read. */
export interface ScrubMark {
  /** The last file of an unfinished round that was read; absent: none is under way. */
  readonly after?: string;
  /** When the last round ended, milliseconds since 1970; 0: none has. */
  readonly lastRoundMs: number;
}

export interface ScrubMemory {
  read(): Promise<ScrubMark>;
  write(mark: ScrubMark): Promise<void>;
}

/** In `scrub.json` of the store's folder. What cannot be read there means a round from the beginning. */
export function scrubFile(root: string): ScrubMemory {
  const path = join(root, 'scrub.json');
  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch(absent);
      return { lastRoundMs: 0, ...parsed(text ?? '{}') };
    },
    write: (mark) => writeDurably(path, JSON.stringify(mark)),
  };
}

function parsed(text: string): Partial<ScrubMark> {
  try {
    return JSON.parse(text) as Partial<ScrubMark>;
  } catch {
    return {};
  }
}
