import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One line that the load job has committed. */
export interface SinkLine {
  readonly key: string;
  /** Of the record, from 0 on over the whole source. */
  readonly index: number;
  /** What its state had counted for the key, this record included. */
  readonly count: number;
  /** When it was processed, milliseconds since 1970. */
  readonly atMs: number;
}

export interface SinkVerdict {
  readonly lines: number;
  /** Records that were left out before the last one of their split. */
  readonly lost: number;
  readonly doubled: number;
  /** Keys whose count differs from their number of lines. */
  readonly wrongStates: number;
}

/**
 * Whether an exactly-once sink has each record once, and the state has counted each once.
 * @param splits of the source: each has every so-manieth record, in order
 */
export function verdictOf(lines: readonly SinkLine[], splits: number): SinkVerdict {
  const indices = new Set<number>();
  const lastOfSplit = new Map<number, number>();
  const keys = new Map<string, { lines: number; count: number }>();
  for (const { key, index, count } of lines) {
    indices.add(index);
    const split = index % splits;
    lastOfSplit.set(split, Math.max(lastOfSplit.get(split) ?? 0, index));
    const known = keys.get(key) ?? { lines: 0, count: 0 };
    keys.set(key, { lines: known.lines + 1, count: Math.max(known.count, count) });
  }
  const read = [...lastOfSplit].reduce(
    (sum, [split, last]) => sum + (last - split) / splits + 1,
    0,
  );
  return {
    lines: lines.length,
    lost: read - indices.size,
    doubled: lines.length - indices.size,
    wrongStates: [...keys.values()].filter((key) => key.lines !== key.count).length,
  };
}

/** The longest time within a window in which nothing was processed that was committed in the end, milliseconds. */
export function longestGapMs(
  lines: readonly SinkLine[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  const times = lines.map(({ atMs }) => atMs).filter((at) => at > fromMs && at < toMs);
  const marks = [fromMs, ...times.sort((a, b) => a - b), toMs];
  return marks.reduce((longest, at, i) => Math.max(longest, at - (marks[i - 1] ?? at)), 0);
}

/** What is committed in a folder so far; what is still written to is hidden there. */
export async function readSink(folder: string): Promise<readonly SinkLine[]> {
  const lines: SinkLine[] = [];
  for (const file of committedFiles(folder)) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const [key = '', index, count, atMs] = line.split(',');
      lines.push({ key, index: Number(index), count: Number(count), atMs: Number(atMs) });
    }
  }
  return lines;
}

function committedFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ parentPath, name }) => join(parentPath, name));
}
