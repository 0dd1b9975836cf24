import {
  inRange,
  type KeyRange,
  type StoreOperation,
  storeLimits,
  type TransactionRequest,
} from '@tessera/base';
import { badKey, badLeaseTtl, duplicateKey, tooManyOperations, valueTooLarge } from '../errors.ts';

/** Refuses what no driver may accept, before it reaches one. */
export function checkTransaction(request: TransactionRequest): void {
  const compare = request.compare ?? [];
  const failure = request.failure ?? [];
  for (const list of [compare, request.success, failure]) {
    if (list.length > storeLimits.operations) {
      throw tooManyOperations(list.length, storeLimits.operations);
    }
  }
  for (const { key } of compare) checkKey(key);
  for (const list of [request.success, failure]) checkOperations(list);
  for (const operation of [...request.success, ...failure]) {
    if (operation.op === 'put' && operation.value.byteLength > storeLimits.valueBytes) {
      throw valueTooLarge(operation.value.byteLength, storeLimits.valueBytes);
    }
  }
  const sizeBytes = bytesOf(request);
  if (sizeBytes > storeLimits.transactionBytes) {
    throw valueTooLarge(sizeBytes, storeLimits.transactionBytes);
  }
}

/** Bytes of everything a transaction may write. */
export function bytesOf({ success, failure = [] }: TransactionRequest): number {
  let sizeBytes = 0;
  for (const operation of [...success, ...failure]) {
    if (operation.op === 'put') {
      sizeBytes += operation.value.byteLength + Buffer.byteLength(operation.key);
    }
  }
  return sizeBytes;
}

export function checkKey(key: string): void {
  if (key === '') throw badKey(key, 'is empty');
  if (key.includes('\0')) throw badKey(key, 'holds the character U+0000');
  if (!key.isWellFormed()) throw badKey(key, 'holds half of a surrogate pair');
  if (Buffer.byteLength(key) > storeLimits.keyBytes) {
    throw badKey(key, `is longer than ${storeLimits.keyBytes} bytes`);
  }
}

/** Unlike a key, the start of a range may be empty. */
export function checkRange({ start, end }: KeyRange): void {
  if (start !== '') checkKey(start);
  if (end !== undefined) checkKey(end);
}

export function checkLeaseTtl(ttlMs: number): void {
  const dayMs = 86_400_000;
  if (!Number.isInteger(ttlMs) || ttlMs < 1 || ttlMs > dayMs) throw badLeaseTtl(ttlMs);
}

/** A key may be put once, and not be put and deleted, by one list: as in etcd. */
function checkOperations(operations: readonly StoreOperation[]): void {
  const puts = new Set<string>();
  for (const operation of operations) {
    if (operation.op === 'deleteRange') {
      checkRange(operation.range);
      continue;
    }
    checkKey(operation.key);
    if (operation.op !== 'put') continue;
    if (puts.has(operation.key)) throw duplicateKey(operation.key);
    puts.add(operation.key);
  }
  for (const operation of operations) {
    if (operation.op === 'delete' && puts.has(operation.key)) throw duplicateKey(operation.key);
    if (operation.op !== 'deleteRange') continue;
    for (const key of puts) if (inRange(key, operation.range)) throw duplicateKey(key);
  }
}
