import type {
  Condition,
  Lease,
  OperationResult,
  StoreOperation,
  TransactionRequest,
  TransactionResult,
} from '@tessera/base';
import { futureRevision, leaseNotFound } from '../errors.ts';
import { type History, type Row, toKeyValue } from './history.ts';

/** What changes a store. */
export type Write =
  | { readonly kind: 'transaction'; readonly request: TransactionRequest }
  | { readonly kind: 'grantLease'; readonly ttlMs: number }
  | { readonly kind: 'revokeLease'; readonly id: bigint }
  | { readonly kind: 'compact'; readonly revision: bigint };

export interface WriteResult {
  /** The store's newest revision after the write. */
  readonly revision: bigint;
  readonly compactRevision: bigint;
  /** What watchers are told, all of it in `revision`. */
  readonly changes: readonly Row[];
  readonly transaction?: TransactionResult;
  readonly lease?: Lease;
}

/** Applies one write. It throws before it has changed anything, or not at all. */
export function applyWrite(history: History, write: Write): WriteResult {
  switch (write.kind) {
    case 'transaction':
      return applyTransaction(history, write.request);
    case 'grantLease':
      return grantLease(history, write.ttlMs);
    case 'revokeLease':
      return revokeLease(history, write.id);
    case 'compact':
      return compact(history, write.revision);
  }
}

function applyTransaction(history: History, request: TransactionRequest): WriteResult {
  const succeeded = (request.compare ?? []).every((condition) => holds(history, condition));
  const operations = succeeded ? request.success : (request.failure ?? []);
  for (const operation of operations) {
    const lease = operation.op === 'put' ? (operation.lease ?? 0n) : 0n;
    if (lease !== 0n && !history.hasLease(lease)) throw leaseNotFound(lease);
  }
  const changes: Row[] = [];
  const revision = history.revision + 1n;
  const results = operations.map((operation) => run(history, { operation, revision, changes }));
  return {
    ...outcome(history, changes),
    transaction: { succeeded, revision: history.revision, results },
  };
}

interface Step {
  readonly operation: StoreOperation;
  readonly revision: bigint;
  readonly changes: Row[];
}

function run(history: History, { operation, revision, changes }: Step): OperationResult {
  const append = (row: Row) => {
    history.append(row);
    changes.push(row);
  };
  switch (operation.op) {
    case 'put': {
      const before = history.find(operation.key);
      append({
        key: operation.key,
        value: operation.value.slice(),
        createRevision: before?.createRevision ?? revision,
        modRevision: revision,
        version: (before?.version ?? 0n) + 1n,
        lease: operation.lease ?? 0n,
      });
      return { op: 'put' };
    }
    case 'delete': {
      const present = history.find(operation.key) !== undefined;
      if (present) append(tombstone(operation.key, revision));
      return { op: 'delete', deleted: present ? 1 : 0 };
    }
    case 'deleteRange': {
      const rows = history.range(operation.range, {});
      for (const row of rows) append(tombstone(row.key, revision));
      return { op: 'deleteRange', deleted: rows.length };
    }
    case 'get': {
      const row = history.find(operation.key);
      return row === undefined ? { op: 'get' } : { op: 'get', entry: toKeyValue(row) };
    }
  }
}

function tombstone(key: string, modRevision: bigint): Row {
  return { key, value: undefined, createRevision: 0n, modRevision, version: 0n, lease: 0n };
}

function holds(history: History, condition: Condition): boolean {
  const row = history.find(condition.key);
  if (condition.target === 'value') {
    if (row?.value === undefined) return false;
    return orderHolds(Buffer.compare(row.value, condition.to), condition.is);
  }
  const actual = row?.[condition.target] ?? 0n;
  return orderHolds(actual < condition.to ? -1 : actual > condition.to ? 1 : 0, condition.is);
}

function orderHolds(order: number, is: Condition['is'] = 'equal'): boolean {
  if (is === 'equal') return order === 0;
  if (is === 'notEqual') return order !== 0;
  return is === 'less' ? order < 0 : order > 0;
}

function grantLease(history: History, ttlMs: number): WriteResult {
  const lease = { id: history.nextLeaseId, ttlMs };
  history.putLease(lease);
  return { ...outcome(history, []), lease };
}

function revokeLease(history: History, id: bigint): WriteResult {
  if (!history.hasLease(id)) throw leaseNotFound(id);
  const revision = history.revision + 1n;
  const changes = history.keysOfLease(id).map((key) => tombstone(key, revision));
  for (const row of changes) history.append(row);
  history.dropLease(id);
  return outcome(history, changes);
}

function compact(history: History, revision: bigint): WriteResult {
  if (revision > history.revision) throw futureRevision(revision, history.revision);
  if (revision > history.compactRevision) history.compact(revision);
  return outcome(history, []);
}

function outcome(history: History, changes: readonly Row[]): WriteResult {
  return { revision: history.revision, compactRevision: history.compactRevision, changes };
}
