import { Code, TesseraError } from '@tessera/base';

export function backupNotRecognised(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BACKUP_NOT_RECOGNISED',
    message: 'The file is not a backup of Tessera; give one that `tessera backup` wrote.',
  });
}

export function backupNewer(version: number, known: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'BACKUP_NEWER',
    message: `The backup has format ${version}, this version of Tessera knows formats up to ${known}; restore it with a newer one.`,
    metadata: { version: `${version}`, known: `${known}` },
  });
}

/** Nothing of it was restored. */
export function backupCutOff(sizeBytes: number): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'BACKUP_CUT_OFF',
    message: `The backup ends after ${sizeBytes} bytes without its last record: it was cut off. Nothing was restored; use another copy.`,
    metadata: { sizeBytes: `${sizeBytes}` },
  });
}

/** Nothing of it was restored. */
export function backupCorrupt(offset: number, problem: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'BACKUP_CORRUPT',
    message: `The backup is damaged at byte ${offset} (${problem}). Nothing was restored; use another copy.`,
    metadata: { offset: `${offset}`, problem },
  });
}

export function storeNotEmpty(key: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORE_NOT_EMPTY',
    message: `The metadata store is not empty (it holds ${key}); restore into an empty one, or say that what it holds is to be replaced.`,
    metadata: { key },
  });
}

/** A part of the backup is in the store. Restoring again with replacement starts over. */
export function restoreConflict(key: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'RESTORE_CONFLICT',
    message: `Somebody else wrote ${key} during the restore, which was given up half-way; stop what writes, then restore again and replace.`,
    metadata: { key },
  });
}
