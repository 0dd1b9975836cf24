import { Code, TesseraError } from '@tessera/base';
import type { SourceFailure } from './transfer/source-order.ts';

/** Another storage daemon has the folder. */
export function directoryLocked(directory: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORAGE_DIRECTORY_LOCKED',
    message: `${directory} is in use by another storage daemon; stop that one, or choose another directory.`,
    metadata: { directory },
  });
}

/** The folder cannot be created, or nothing can be written into it. */
export function directoryUnusable(directory: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORAGE_DIRECTORY_UNUSABLE',
    message: `${directory} cannot be used as a folder of stored files (${detail}); see that it can be written to, or choose another directory.`,
    metadata: { directory, detail },
  });
}

/** No file of that content is here: it was never taken in, or was dropped. */
export function layoutNotStored(file: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'LAYOUT_NOT_STORED',
    message: `${file} is not stored here; build the segment again, or read the segment's layouts again if it was replaced.`,
    metadata: { file },
  });
}

/** A stored file is not what was taken in. It is set aside and never served. */
export function layoutCorrupted(file: string, what: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'LAYOUT_CORRUPTED',
    message: `${file} is damaged (${what}) and was set aside under quarantine/; refresh its segment to build it again. Other files are not affected.`,
    metadata: { file, what },
  });
}

/** No stored snapshot has that id. */
export function snapshotNotStored(snapshot: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'SNAPSHOT_NOT_STORED',
    message: `Snapshot ${snapshot} is not stored here; build the segments that use it again.`,
    metadata: { snapshot },
  });
}

/** A file that a caller names is not in the store. */
export function fileNotStored(file: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'FILE_NOT_STORED',
    message: `There is no stored file ${file}; list the segment's layouts again.`,
    metadata: { file },
  });
}

/** A path points out of the folder it belongs in, or an id is none. */
export function badPath(path: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_PATH',
    message: `${JSON.stringify(path)} is not a path below the store's folder; give it relative, without "..".`,
    metadata: { path },
  });
}

/** The staging directory was never handed out, or was thrown away. */
export function ingestNotFound(ingest: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'INGEST_NOT_FOUND',
    message: `There is no ingest ${ingest}; prepare one and write the files again.`,
    metadata: { ingest },
  });
}

/** A staged file is not what its writer said it is. Nothing of the ingest is visible. */
export function ingestMismatch(
  file: string,
  what: string,
  expected: string,
  found: string,
): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'INGEST_MISMATCH',
    message: `${file}: ${what} is ${found}, but ${expected} was expected; write the file again.`,
    metadata: { file, what, expected, found },
  });
}

/** Whoever asks for this change was deposed: a newer holder of the lease has acted here. */
export function fenced(lease: string, token: bigint): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'FENCED',
    message: `Token ${token} of ${lease} is not the newest: the lease was lost. Stop acting, acquire it again.`,
    metadata: { lease, token: `${token}` },
  });
}

/** A scan plan names something that its layout does not have: the caller planned with other metadata. */
export function badScanPlan(what: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_SCAN_PLAN',
    message: `The scan plan cannot be executed: ${what}. Plan the query again.`,
    metadata: { what },
  });
}

/** Too many scans are waiting. */
export function scanQueueFull(cause: TesseraError): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'SCAN_QUEUE_FULL',
    message:
      'Too many scans are waiting; try again later, or raise scanQueueLength or scanQueueLengthPerProject.',
    metadata: cause.metadata,
    retryAfterMs: cause.retryAfterMs,
    cause,
  });
}

/** A snapshot cannot be read as it was asked. */
export function badSnapshotRead(what: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_SNAPSHOT_READ',
    message: `The snapshot cannot be read: ${what}. Name the columns of Snapshot.columns that are wanted.`,
    metadata: { what },
  });
}

/** Reading was to begin after the end of a file: the reader has something else under its name. */
export function offsetBeyondEnd(file: string, offset: number, sizeBytes: number): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'OFFSET_BEYOND_END',
    message: `${file} has ${sizeBytes} bytes, so it cannot be read from ${offset} on; read it again from the beginning.`,
    metadata: { file, offset: String(offset), sizeBytes: String(sizeBytes) },
  });
}

/** Too many files are being copied or are waiting to be. */
export function transferQueueFull(cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TRANSFER_QUEUE_FULL',
    message: 'Too many files are being copied here; try again later, or raise transferQueueLength.',
    cause,
  });
}

/** Some source could not be asked for a file, or broke off again and again. What is stored is intact. */
export function pullFailed(file: string, failures: readonly SourceFailure[]): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'PULL_FAILED',
    message: `${file} could not be copied (${textOf(failures)}); try again when the sources are reachable.`,
    metadata: { file, sources: textOf(failures) },
  });
}

/** Whoever was asked for a file answered that he has no whole copy of it. */
export function fileInNoSource(file: string, failures: readonly SourceFailure[]): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'FILE_IN_NO_SOURCE',
    message: `No source has a whole copy of ${file} (${textOf(failures)}); name others, or build its segment again.`,
    metadata: { file, sources: textOf(failures) },
  });
}

/** A storage node is registered in metadata, and callers are known to it. */
export function metadataNotNamed(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'METADATA_NOT_NAMED',
    message: 'A storage daemon with a name, or one that controls access, needs --metadata.',
  });
}

/** Something is asked of deep storage, but this daemon was given none. */
export function deepStorageNotConfigured(): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'DEEP_STORAGE_NOT_CONFIGURED',
    message:
      'This storage daemon has no deep storage; start it with --deep-storage, such as file:///mnt/tessera.',
  });
}

/** Each source with why it did not give the file. */
function textOf(failures: readonly SourceFailure[]): string {
  if (failures.length === 0) return 'there is no source';
  return failures.map(({ source, reason }) => `${source}: ${reason}`).join(', ');
}
