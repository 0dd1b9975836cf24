import { Code, messageOf, TesseraError } from '@tessera/base';

/** What can go wrong while building, and how DuckDB's messages map to it. */

export function lookupNotUnique(alias: string, key: string, rowCount: bigint): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'LOOKUP_NOT_UNIQUE',
    message: `Lookup ${alias} has ${rowCount} rows with key (${key}): each key must be unique, or facts would be counted several times. Remove the duplicates, or join on more columns.`,
    metadata: { alias, key, rows: String(rowCount) },
  });
}

export function sourceChanged(what: string, cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SOURCE_CHANGED',
    message: `The source changed or became unreadable while it was read: ${what} Nothing was published; build again once the files are complete.`,
    metadata: { detail: what },
    cause,
  });
}

export function buildOutOfDisk(directory: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'BUILD_OUT_OF_DISK',
    message: `No space left for the build in ${directory}. Free disk space or raise maxTempBytes, then retry: nothing was published. (${messageOf(cause)})`,
    metadata: { directory },
    cause,
  });
}

export function buildOutOfMemory(limitBytes: number, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'BUILD_OUT_OF_MEMORY',
    message: `The build needs more than its memory limit of ${limitBytes} bytes. Raise the limit or build fewer segments at a time: nothing was published. (${messageOf(cause)})`,
    metadata: { limitBytes: String(limitBytes) },
    cause,
  });
}

export function buildCancelled(): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'BUILD_CANCELLED',
    message: 'The build was cancelled; nothing was published.',
  });
}

export function measureOverflow(cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'MEASURE_OVERFLOW',
    message: `A measure does not fit its type: ${messageOf(cause)}. Measure the values as numeric when they are integers, as numeric with fewer digits after the point when they are numeric, or as double precision: a computed column of the model can cast them.`,
    cause,
  });
}

export function buildFailed(cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'BUILD_FAILED',
    message: `DuckDB could not run a build step: ${messageOf(cause)}`,
    cause,
  });
}

export interface FailureContext {
  readonly signal: AbortSignal;
  readonly directory: string;
  readonly memoryLimitBytes: number;
  /** True while source files are being read. */
  readonly readingSource: boolean;
}

const outOfDisk =
  /No space left|ENOSPC|File too large|EFBIG|max_temp_directory_size|failed to offload|disk quota/i;
const unreadable =
  /No files found|No magic bytes|Failed to read file|too small to be a Parquet|Could not (read|open)|Cannot open file|CSV Error|Malformed JSON|don't have metadata|IO Error|ZSTD|TProtocol|Invalid.*(parquet|file)|Corrupt|Snappy/i;

/** The failure a DuckDB or file system error stands for. */
export function failureOf(error: unknown, context: FailureContext): unknown {
  const message = messageOf(error);
  if (error instanceof TesseraError) return error;
  if (context.signal.aborted || /^INTERRUPT/i.test(message)) return buildCancelled();
  if (outOfDisk.test(message)) return buildOutOfDisk(context.directory, error);
  if (/Out of Memory/i.test(message)) return buildOutOfMemory(context.memoryLimitBytes, error);
  if (context.readingSource && unreadable.test(message)) return sourceChanged(message, error);
  if (/Out of Range|Overflow|out of range|Conversion Error.*(INT128|cast value)/i.test(message)) {
    return measureOverflow(error);
  }
  return buildFailed(error);
}
