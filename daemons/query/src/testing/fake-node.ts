import { Code, TesseraError } from '@tessera/base';
import type { ScanOptions, ScanWork } from '@tessera/client';
import { batchFromRows, type ColumnBatch } from '@tessera/columnar';
import { type LayoutFile, type ScanPlan, scanSchema } from '@tessera/cube';
import type { StorageNode } from '../broadcast/storage-node.ts';

/** What a fake daemon does with a call. */
export type Behaviour =
  /** The rows at once. */
  | 'answer'
  /** Nothing, until the call is cancelled. */
  | 'hang'
  /** The same, and it ignores the cancellation. */
  | 'hang deaf'
  /** Rows, and the failure after them. */
  | TesseraError;

export const failure = (reason: string, code: Code = Code.UNAVAILABLE) =>
  new TesseraError({ code, reason, message: reason });

/** A storage daemon whose segments each hold one row per group: the group's key and 2^(number of the segment). */
export class FakeNode implements StorageNode {
  readonly name: string;
  /** What the next calls do; then it answers. */
  readonly script: Behaviour[] = [];
  /** Segments of the calls so far. */
  readonly asked: string[][] = [];
  /** Calls that were not cancelled and have not ended. */
  running = 0;
  holding: ReadonlySet<string>;
  silent = false;
  /** What it says that each of its scans took; absent: it does not tell. */
  scanMicros: number | undefined;
  questions = 0;

  constructor(name: string, holding: readonly string[]) {
    this.name = name;
    this.holding = new Set(holding);
  }

  readonly scanner = {
    scan: (plan: ScanPlan, options: ScanOptions) => this.#scan(plan, options),
  };

  async holds(files: readonly LayoutFile[]): Promise<readonly boolean[]> {
    this.questions++;
    if (this.silent) return new Promise(() => {});
    return files.map(({ segment }) => this.holding.has(segment));
  }

  async *#scan(plan: ScanPlan, { signal, onScanWork }: ScanOptions): AsyncGenerator<ColumnBatch> {
    const segments = plan.segments.map(({ id }) => id);
    this.asked.push(segments);
    const behaviour = this.script.shift() ?? 'answer';
    this.running++;
    try {
      if (behaviour === 'hang deaf') await new Promise(() => {});
      if (behaviour === 'hang') await aborted(signal);
      if (segments.some((id) => !this.holding.has(id))) {
        throw failure('LAYOUT_NOT_STORED', Code.NOT_FOUND);
      }
      const values = segments.map((id) => 2n ** BigInt(Number(id.slice(1))));
      const sum = values.reduce((total, value) => total + value, 0n);
      const rows = ['a', 'b', 'c'].map((key, i) => [key, sum * BigInt(i + 1)]);
      yield batchFromRows(scanSchema(plan), rows);
      if (typeof behaviour !== 'string') throw behaviour;
      if (this.scanMicros !== undefined) onScanWork?.(workOf(this.scanMicros));
    } finally {
      this.running--;
    }
  }
}

function workOf(scanMicros: number): ScanWork {
  const counts = { rowsScanned: 3, blocksRead: 1, blocksPruned: 0, segmentsPruned: 0 };
  return { source: 'tiles', queueMicros: 0, scanMicros, ...counts };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
