import {
  type GetResult,
  isTesseraError,
  type KeyRange,
  type Lease,
  type ListResult,
  type StoreStatistics,
  type StoreStatus,
} from '@tessera/base';
import { compacted, futureRevision } from '../errors.ts';
import { applyWrite, type Write, type WriteResult } from './apply-write.ts';
import {
  type ChangesRequest,
  type History,
  type RangeOptions,
  type Row,
  toKeyValue,
} from './history.ts';

/** Where a store keeps its history: in this thread, or in a worker that owns a file. */
export interface Backend {
  status(): Promise<StoreStatus & { readonly leases: readonly Lease[] }>;
  statistics(): Promise<StoreStatistics>;
  get(key: string, revision?: bigint): Promise<GetResult>;
  list(range: KeyRange, options: RangeOptions & { readonly limit: number }): Promise<ListResult>;
  changes(request: ChangesRequest): Promise<Changes>;
  /**
   * Makes all of these durable at once, one outcome each: a write that is refused leaves the others alone.
   * Rejects when nothing of the batch was kept.
   */
  commit(writes: readonly Write[]): Promise<readonly WriteOutcome[]>;
  close(): Promise<void>;
}

export type WriteOutcome =
  | { readonly ok: true; readonly result: WriteResult }
  | { readonly ok: false; readonly error: unknown };

export interface Changes {
  readonly rows: readonly Row[];
  /** Every change up to this revision is in `rows`. */
  readonly through: bigint;
}

export function readStatus(history: History) {
  const { revision, compactRevision } = history;
  return { revision, compactRevision, leases: history.leases() };
}

export function readKey(history: History, key: string, revision?: bigint): GetResult {
  checkReadable(history, revision);
  const row = history.find(key, revision);
  const read = revision ?? history.revision;
  return row === undefined ? { revision: read } : { revision: read, entry: toKeyValue(row) };
}

export function readRange(
  history: History,
  range: KeyRange,
  options: RangeOptions & { readonly limit: number },
): ListResult {
  checkReadable(history, options.revision);
  const rows = history.range(range, { ...options, limit: options.limit + 1 });
  return {
    revision: options.revision ?? history.revision,
    entries: rows.slice(0, options.limit).map(toKeyValue),
    more: rows.length > options.limit,
  };
}

/** Whole revisions only: when the limit cuts one in two, it is left for the next call or read whole. */
export function readChanges(history: History, request: ChangesRequest): Changes {
  const { from, through, limit } = request;
  if (from < history.compactRevision) throw compacted(from, history.compactRevision);
  const rows = history.changes({ ...request, limit: limit + 1 });
  if (rows.length <= limit) return { rows, through };
  const cut = rows[limit]!.modRevision;
  const whole = rows.filter((row) => row.modRevision < cut);
  if (whole.length > 0) return { rows: whole, through: cut - 1n };
  const one = { ...request, from: cut, through: cut, limit: Number.MAX_SAFE_INTEGER };
  return { rows: history.changes(one), through: cut };
}

/** Applies writes one after the other. Throws only when the history itself failed: then none may be kept. */
export function applyAll(history: History, writes: readonly Write[]): WriteOutcome[] {
  return writes.map((write) => {
    try {
      return { ok: true, result: applyWrite(history, write) };
    } catch (error) {
      if (!isTesseraError(error)) throw error;
      return { ok: false, error };
    }
  });
}

function checkReadable(history: History, revision: bigint | undefined): void {
  if (revision === undefined) return;
  if (revision > history.revision) throw futureRevision(revision, history.revision);
  if (revision < history.compactRevision) throw compacted(revision, history.compactRevision);
}
