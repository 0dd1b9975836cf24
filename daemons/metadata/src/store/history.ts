import type { KeyRange, KeyValue, Lease } from '@tessera/base';

/** One version of a key. Without a value it says that the key was deleted in `modRevision`. */
export interface Row {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

/**
 * Every version of every key since the last compaction, and the leases. Holds no rule: what a transaction
 * may do is in `applyWrite`. Synchronous, so that one write after the other sees a settled state.
 */
export interface History {
  readonly revision: bigint;
  readonly compactRevision: bigint;
  /** The row of a live key, as of `revision` when given. */
  find(key: string, revision?: bigint): Row | undefined;
  /** Rows of live keys in key order. */
  range(range: KeyRange, options: RangeOptions): Row[];
  /** Rows of any kind with `from` ≤ modRevision ≤ `through`, in the order they were appended. */
  changes(request: ChangesRequest): Row[];
  /** Becomes the newest version of its key, and its revision that of the store. */
  append(row: Row): void;
  compact(revision: bigint): void;
  keyCount(): number;

  readonly nextLeaseId: bigint;
  putLease(lease: Lease): void;
  dropLease(id: bigint): void;
  hasLease(id: bigint): boolean;
  leases(): Lease[];
  keysOfLease(id: bigint): string[];
}

export interface RangeOptions {
  readonly revision?: bigint;
  readonly startAfter?: string;
  readonly limit?: number;
}

export interface ChangesRequest {
  readonly range: KeyRange;
  readonly from: bigint;
  readonly through: bigint;
  readonly limit: number;
}

export function toKeyValue(row: Row): KeyValue {
  const { key, createRevision, modRevision, version, lease } = row;
  return { key, value: row.value ?? new Uint8Array(), createRevision, modRevision, version, lease };
}
