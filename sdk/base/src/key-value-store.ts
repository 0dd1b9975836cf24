/**
 * The contract under all metadata: a multi-version key-value store, shaped so that etcd v3 is a thin
 * mapping. Keys are ordered by their UTF-8 bytes. One revision counts the transactions that changed
 * something; a key knows in which it was created and last written.
 */
export interface KeyValueStore {
  /** The newest revision, and the oldest one that can still be read. */
  status(): Promise<StoreStatus>;

  /**
   * The entry of a key, now or as of a revision.
   * @throws OUT_OF_RANGE REVISION_COMPACTED | REVISION_FUTURE when that revision cannot be read.
   */
  get(key: string, options?: { readonly revision?: bigint }): Promise<GetResult>;

  /**
   * The entries of a range in key order, now or as of a revision: pages that name the revision of the
   * first page are one consistent view.
   * @throws OUT_OF_RANGE REVISION_COMPACTED | REVISION_FUTURE.
   */
  list(range: KeyRange, options?: ListOptions): Promise<ListResult>;

  /**
   * Compares, then runs one of the two lists, all in one revision or not at all. Resolves only when the
   * outcome is durable. A transaction that changes nothing leaves the revision as it is.
   * @throws INVALID_ARGUMENT DUPLICATE_KEY when one list writes a key twice; TOO_MANY_OPERATIONS,
   * VALUE_TOO_LARGE, BAD_KEY by the limits below; NOT_FOUND LEASE_NOT_FOUND; STORE_WRITE_FAILED.
   */
  transaction(request: TransactionRequest): Promise<TransactionResult>;

  /**
   * Every change of the range from `startRevision` on, oldest first, then as they happen: no gap, no
   * duplicate, the changes of one revision always in one batch. A batch without events is a progress
   * mark: nothing up to its revision is still to come. The first mark comes as soon as the watcher has
   * caught up, later ones when `progressIntervalMs` passed without events. Ends when the signal aborts.
   * @throws OUT_OF_RANGE REVISION_COMPACTED when changes that were not delivered yet are gone: list, watch anew.
   */
  watch(range: KeyRange, options: WatchOptions): AsyncIterable<WatchBatch>;

  /**
   * Forgets what was overwritten or deleted before `revision`; that revision itself stays readable.
   * Compacting up to an older revision than before does nothing.
   * @throws OUT_OF_RANGE REVISION_FUTURE.
   */
  compact(revision: bigint): Promise<void>;

  /** A lease that ends unless kept alive; the store may round the time up. Survives a restart of the store. */
  grantLease(ttlMs: number): Promise<Lease>;
  /** @throws NOT_FOUND LEASE_NOT_FOUND when it has ended. */
  keepLeaseAlive(id: bigint): Promise<Lease>;
  /** How much time a lease has left. @throws NOT_FOUND LEASE_NOT_FOUND when it has ended. */
  leaseStatus(id: bigint): Promise<Lease & { readonly remainingMs: number }>;
  /** Ends a lease now: the keys put with it are deleted in one revision. @throws NOT_FOUND LEASE_NOT_FOUND. */
  revokeLease(id: bigint): Promise<void>;

  /** For people who look after the store; may read all of its keys. */
  statistics(): Promise<StoreStatistics>;

  /** Watches end with UNAVAILABLE STORE_CLOSED, and so does every later call. */
  close(): Promise<void>;
}

export interface StoreStatus {
  readonly revision: bigint;
  /** 0 when nothing was ever compacted. */
  readonly compactRevision: bigint;
}

export interface StoreStatistics {
  /** Such as `sqlite`. */
  readonly driver: string;
  /** Of what is on disk; 0 in memory. */
  readonly sizeBytes: number;
  /** Keys that are there now. */
  readonly keyCount: number;
  /** What keeps the store from taking writes now, as far as it is known without one. */
  readonly faults: readonly StoreFault[];
}

export interface StoreFault {
  /** That of the errors which writes fail with, such as `ETCD_NO_SPACE`. */
  readonly reason: string;
  readonly message: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** Number of writes since the key was created, from 1. */
  readonly version: bigint;
  /** 0: none. */
  readonly lease: bigint;
}

/** Half-open; without `end`: every key from `start` on. */
export interface KeyRange {
  readonly start: string;
  readonly end?: string;
}

export interface GetResult {
  readonly revision: bigint;
  readonly entry?: KeyValue;
}

export interface ListOptions {
  readonly revision?: bigint;
  /** At most this many entries; by default, and at most, `storeLimits.pageEntries`. */
  readonly limit?: number;
  /** Only keys after this one. */
  readonly startAfter?: string;
}

export interface ListResult {
  /** The revision that was read: the given one, or the newest. */
  readonly revision: bigint;
  readonly entries: readonly KeyValue[];
  /** True: the limit cut the list off. */
  readonly more: boolean;
}

/** A missing key has revisions, version and lease 0, and no comparison of its value holds. */
export type Condition = {
  readonly key: string;
  /** Default: equal. */
  readonly is?: 'equal' | 'notEqual' | 'less' | 'greater';
} & (
  | { readonly target: 'modRevision' | 'createRevision' | 'version' | 'lease'; readonly to: bigint }
  | { readonly target: 'value'; readonly to: Uint8Array }
);

export type StoreOperation =
  | {
      readonly op: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly lease?: bigint;
    }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'deleteRange'; readonly range: KeyRange }
  | { readonly op: 'get'; readonly key: string };

export interface TransactionRequest {
  /** All must hold for `success` to run. */
  readonly compare?: readonly Condition[];
  readonly success: readonly StoreOperation[];
  readonly failure?: readonly StoreOperation[];
}

export interface TransactionResult {
  /** Whether the comparisons held. */
  readonly succeeded: boolean;
  /** Of this transaction when it changed something, else the newest. */
  readonly revision: bigint;
  /** One per operation of the list that ran. */
  readonly results: readonly OperationResult[];
}

export type OperationResult =
  | { readonly op: 'put' }
  | { readonly op: 'delete' | 'deleteRange'; readonly deleted: number }
  /** Sees what operations before it in the same list wrote. */
  | { readonly op: 'get'; readonly entry?: KeyValue };

export interface WatchOptions {
  /** Usually one more than the revision of a list. One in the future is waited for. */
  readonly startRevision: bigint;
  readonly signal?: AbortSignal;
  readonly progressIntervalMs?: number;
}

export interface WatchBatch {
  readonly revision: bigint;
  readonly events: readonly WatchEvent[];
}

/** Events of one batch are in the order of the operations; deleted ranges in key order. */
export type WatchEvent =
  | { readonly kind: 'put'; readonly entry: KeyValue }
  | { readonly kind: 'delete'; readonly key: string };

export interface Lease {
  readonly id: bigint;
  readonly ttlMs: number;
}

/** Bounds that every driver keeps; a driver may be configured lower, never higher. */
export const storeLimits = {
  /** Comparisons, and operations of each list, of one transaction (etcd: `--max-txn-ops`). */
  operations: 1024,
  valueBytes: 1_572_864,
  /** Of all keys and values of one transaction together (etcd: `--max-request-bytes`). */
  transactionBytes: 8 * 1024 * 1024,
  keyBytes: 1024,
  pageEntries: 1000,
} as const;

/** Every key that starts with `prefix`. */
export function prefixRange(prefix: string): KeyRange {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last === 0x10ffff) continue;
    // Surrogates are no characters: the one after U+D7FF is U+E000.
    const end = String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
    return { start: prefix, end };
  }
  return { start: prefix };
}

/** Orders keys by their UTF-8 bytes, which is the order of their code points. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return orderOf(x) - orderOf(y);
  }
  return a.length - b.length;
}

/** UTF-16 units sort like code points once surrogates are moved above everything else. */
function orderOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Whether a key lies in a range. */
export function inRange(key: string, range: KeyRange): boolean {
  return (
    compareKeys(key, range.start) >= 0 &&
    (range.end === undefined || compareKeys(key, range.end) < 0)
  );
}
