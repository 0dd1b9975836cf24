import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first few records and keys of a load job of which something is wrong. */
export interface Faults {
  readonly missing: readonly number[];
  readonly doubled: readonly number[];
  /** Keys whose records were not counted 1, 2, 3, …: its state was lost, set back or counted twice. */
  readonly miscounted: readonly string[];
}

const shown = 5;

export const noFaults: Faults = { missing: [], doubled: [], miscounted: [] };

/** What the sink of a load job has committed to its folder: `key,record,count of the key,milliseconds`. Committed files stay as they are, and are read once. */
export class CommittedLines {
  readonly #folder: string;
  readonly #files = new Map<string, readonly string[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  count(): number {
    this.#read();
    return [...this.#files.values()].reduce((sum, lines) => sum + lines.length, 0);
  }

  /** The number after that of the last record. */
  next(): number {
    return this.#lines().reduce((next, [, record]) => Math.max(next, Number(record) + 1), 0);
  }

  /** How they differ from each of the first records once. @param total of them: the numbers from 0 */
  faults(total: number): Faults {
    const lines = this.#lines();
    const times = new Uint32Array(total);
    for (const [, record] of lines) times[Number(record)]!++;
    const records = [...times.keys()];
    const byKey = Map.groupBy(lines, ([key = '']) => key);
    const miscounted = [...byKey].filter(([, own]) => !isCounting(own.map(([, , n]) => Number(n))));
    return {
      missing: records.filter((record) => times[record] === 0).slice(0, shown),
      doubled: records.filter((record) => times[record]! > 1).slice(0, shown),
      miscounted: miscounted.map(([key]) => key).slice(0, shown),
    };
  }

  #lines(): readonly (readonly string[])[] {
    this.#read();
    return [...this.#files.values()].flat().map((line) => line.split(','));
  }

  #read(): void {
    for (const file of committedFiles(this.#folder)) {
      if (this.#files.has(file)) continue;
      const text = readFileSync(file, 'utf8');
      this.#files.set(file, text.split('\n').slice(0, -1));
    }
  }
}

/** Paths of what the file sink of a job has committed: names of other files begin with a dot, those of batch jobs with an underscore. */
export function committedFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !/^[._]/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

function isCounting(counts: readonly number[]): boolean {
  return counts.toSorted((a, b) => a - b).every((count, i) => count === i + 1);
}
