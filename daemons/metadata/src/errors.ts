import { Code, TesseraError } from '@tessera/base';

/** What can go wrong in the store; the failures of resources are further down. */

export function compacted(revision: bigint, compactRevision: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'REVISION_COMPACTED',
    message: `Revision ${revision} has been compacted, the oldest is ${compactRevision}; list again and continue from there.`,
    metadata: { revision: `${revision}`, compactRevision: `${compactRevision}` },
  });
}

export function futureRevision(revision: bigint, newest: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'REVISION_FUTURE',
    message: `Revision ${revision} does not exist yet, the newest is ${newest}.`,
    metadata: { revision: `${revision}`, newest: `${newest}` },
  });
}

export function badKey(key: string, why: string): TesseraError {
  const shown = key.length > 100 ? `${key.slice(0, 100)}…` : key;
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_KEY',
    message: `Key ${JSON.stringify(shown)} ${why}.`,
    metadata: { key: shown },
  });
}

export function duplicateKey(key: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'DUPLICATE_KEY',
    message: `Key ${JSON.stringify(key)} is written twice in one list of operations; write it once.`,
    metadata: { key },
  });
}

export function tooManyOperations(count: number, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TOO_MANY_OPERATIONS',
    message: `A transaction of ${count} comparisons or operations is over the limit of ${limit}; split it.`,
    metadata: { count: `${count}`, limit: `${limit}` },
  });
}

export function valueTooLarge(sizeBytes: number, limitBytes: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'VALUE_TOO_LARGE',
    message: `${sizeBytes} bytes in one value or transaction are over the limit of ${limitBytes}; store less in one resource or split the write.`,
    metadata: { sizeBytes: `${sizeBytes}`, limitBytes: `${limitBytes}` },
  });
}

export function badLeaseTtl(ttlMs: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_LEASE_TTL',
    message: `A lease of ${ttlMs} ms cannot be granted; ask for 1 ms to 1 day.`,
    metadata: { ttlMs: `${ttlMs}` },
  });
}

export function leaseNotFound(id: bigint): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'LEASE_NOT_FOUND',
    message: `Lease ${id} has ended or never existed; acquire a new one.`,
    metadata: { lease: `${id}` },
  });
}

export function storeClosed(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_CLOSED',
    message: 'The metadata store is closed; try again when the daemon is back.',
  });
}

/** More writes wait for the disk than the queue may hold. */
export function storeBusy(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'STORE_BUSY',
    message: `${limit} writes are waiting for the metadata store already; try again later.`,
    metadata: { limit: `${limit}` },
  });
}

export function tooManyWatches(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_WATCHES',
    message: `${limit} watches are open already, which is the limit.`,
    metadata: { limit: `${limit}` },
  });
}

/** Nothing of the failed writes was kept; what was acknowledged before still is. */
export function storeWriteFailed(file: string, cause: unknown): TesseraError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_WRITE_FAILED',
    message: `The metadata store ${file} could not be written (${detail}): nothing was changed. Make room on the disk, then try again.`,
    metadata: { file, detail },
    cause,
  });
}

export function storeLocked(file: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORE_LOCKED',
    message: `The metadata store ${file} is in use by another process; stop that one or choose another data directory.`,
    metadata: { file },
  });
}

export function storeCorrupt(file: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'STORE_CORRUPT',
    message: `The metadata store ${file} is damaged (${detail}); restore it from a backup. It was left as it is.`,
    metadata: { file, detail },
  });
}

export function storeUnreadable(file: string, cause: unknown): TesseraError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_UNREADABLE',
    message: `The metadata store ${file} could not be read (${detail}).`,
    metadata: { file, detail },
    cause,
  });
}
