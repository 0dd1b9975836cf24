import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';

/** More queries wait for a connection than the queue holds. */
export function queueFull(waiting: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_QUEUE_FULL',
    message: `${waiting} queries are waiting already; try again later, or raise the queue's limit.`,
    metadata: { waiting: String(waiting) },
    retryAfterMs: queueRetryMs,
  });
}

/** A queue that is full is shorter by then, as a rule. */
const queueRetryMs = 500;

/** No connection became free in time. */
export function queueTimeout(timeoutMs: number): TesseraError {
  return new TesseraError({
    code: Code.DEADLINE_EXCEEDED,
    reason: 'QUERY_QUEUE_TIMEOUT',
    message: `No connection became free within ${timeoutMs} ms; try again later, or raise the number of concurrent queries.`,
    metadata: { timeoutMs: String(timeoutMs) },
    retryAfterMs: queueRetryMs,
  });
}

/** The caller gave up. */
export function queryCancelled(cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'QUERY_CANCELLED',
    message: 'The query was cancelled.',
    cause,
  });
}

/** The database was closed while the query waited or ran. */
export function databaseClosed(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'DATABASE_CLOSED',
    message: 'The database is closed; the daemon is stopping. Try again when it is back.',
  });
}

/** A result column has a DuckDB type that no column of ours can hold. */
export function typeUnsupported(column: string, type: string): TesseraError {
  return new TesseraError({
    code: Code.UNIMPLEMENTED,
    reason: 'TYPE_UNSUPPORTED',
    message: `Column ${column} has the type ${type}, which Tessera cannot hold; cast it to text or to a scalar type.`,
    metadata: { column, type },
  });
}

/** SQL_TOO_COMPLEX: exact divisions, roots or powers nested so deep that planning them would take seconds. */
export function expressionTooComplex(limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SQL_TOO_COMPLEX',
    message: `An expression needs more than ${limit} characters of exact arithmetic; cast its numbers to double precision, or compute it in steps of subqueries.`,
    metadata: { limit: String(limit) },
  });
}

/** lpad, repeat and the like with constants that ask for a text of gigabytes. */
export function textTooLong(length: number, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TEXT_TOO_LONG',
    message: `A text of ${length} characters is asked for, and ${limit} is the most that an expression may make; ask for a shorter one.`,
    metadata: { length: String(length), limit: String(limit) },
  });
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: Code;
  readonly reason: string;
  readonly advice: string;
}

/** First match wins. DuckDB has no error codes in its Node binding: the texts below are the contract that tests hold. */
const rules: readonly Rule[] = [
  {
    pattern: /No space left on device|disk full|max_temp_directory_size|File too large/i,
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'DISK_FULL',
    advice: 'Free space on the disk and try again; nothing was changed.',
  },
  {
    pattern: /^Out of Memory Error/i,
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'OUT_OF_MEMORY',
    advice: 'Ask for less at once, or raise the memory limit.',
  },
  {
    pattern: /division by zero/i,
    code: Code.INVALID_ARGUMENT,
    reason: 'DIVISION_BY_ZERO',
    advice: 'Guard the divisor with nullif(…, 0).',
  },
  {
    pattern:
      /^Out of Range Error|out of (range|bounds)|(in|overflows) timestamp range|Overflow (in|on)|Could not cast value .* to DECIMAL|Failed to cast decimal value|exceeds? .*precision/i,
    code: Code.OUT_OF_RANGE,
    reason: 'NUMERIC_OUT_OF_RANGE',
    advice: 'Cast to a wider type.',
  },
  {
    pattern:
      /No files found|No such file|cannot open file|file does not exist|Could not open file/i,
    code: Code.NOT_FOUND,
    reason: 'FILE_MISSING',
    advice: 'Check that the file is still there and readable.',
  },
  {
    pattern:
      /No magic bytes|too small to be a Parquet|TProtocolException|Invalid Parquet|corrupt|checksum|could not read .* bytes|Footer length|Invalid decompressed|metadata.*(invalid|broken)|Snappy|ZSTD.*(fail|err)|not enough bytes|Out of buffer/i,
    code: Code.DATA_LOSS,
    reason: 'FILE_CORRUPT',
    advice: 'The file is damaged; restore it or build it again.',
  },
  {
    pattern: /^Conversion Error|^Invalid Input Error: (Failed to (cast|parse)|Could not convert)/i,
    code: Code.INVALID_ARGUMENT,
    reason: 'CONVERSION_FAILED',
    advice: 'The value does not fit the type that was asked for.',
  },
  {
    pattern: /^IO Error/i,
    code: Code.UNAVAILABLE,
    reason: 'IO_FAILED',
    advice: 'Check the disk and the permissions, and try again.',
  },
];

/** A failure of DuckDB as ours: by what its text says. What should not have been asked of it ends INTERNAL. */
export function duckdbFailure(error: unknown): TesseraError {
  if (isTesseraError(error)) return error;
  const text = messageOf(error).trim();
  if (/^INTERRUPT Error/i.test(text)) return queryCancelled(error);
  const rule = rules.find(({ pattern }) => pattern.test(text)) ?? {
    code: Code.INTERNAL,
    reason: 'DUCKDB_FAILED',
    advice: 'This is a fault in Tessera; please report it with the statement.',
  };
  return new TesseraError({
    code: rule.code,
    reason: rule.reason,
    message: `${firstLine(text)} ${rule.advice}`,
    metadata: { detail: text.slice(0, 2000) },
    cause: error,
  });
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0]!.slice(0, 500);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
