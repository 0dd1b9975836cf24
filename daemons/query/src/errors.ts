import { Code, TesseraError } from '@tessera/base';

/** Every failure that this daemon itself raises. Parsing, binding and matching have their own. */

export function resultTooLarge(what: 'rows' | 'bytes', limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'RESULT_TOO_LARGE',
    message: `The result has more than ${limit} ${what}. Add a LIMIT, filter or group more, or raise the limit for this query.`,
    metadata: { limit: String(limit), unit: what },
  });
}

/** The snapshot's columns do not fit into memory; the lookup is read from its source then. */
export function snapshotTooLarge(snapshot: string, limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'SNAPSHOT_TOO_LARGE',
    message: `What is read of snapshot ${snapshot} has more than ${limit} bytes; the lookup is read from its source.`,
    metadata: { snapshot, limit: String(limit) },
  });
}

export function queryTimeout(timeoutMs: number): TesseraError {
  return new TesseraError({
    code: Code.DEADLINE_EXCEEDED,
    reason: 'QUERY_TIMEOUT',
    message: `The query did not finish within ${timeoutMs} ms and was stopped. Filter more, build a cuboid for it, or raise its timeout.`,
    metadata: { timeoutMs: String(timeoutMs) },
  });
}

/** Nothing of the query was begun. */
export function queryQueueFull(
  full: { readonly bound: 'all' | 'flow'; readonly limit: number; readonly waiting: number },
  retryAfterMs: number,
): TesseraError {
  const whose = full.bound === 'flow' ? ' of this user' : '';
  const setting = full.bound === 'flow' ? 'maxQueuedPerUser' : 'maxQueuedQueries';
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_QUEUE_FULL',
    message: `${full.waiting} queries${whose} are waiting already, which is the limit (${setting}). Try again in ${retryAfterMs} ms.`,
    metadata: { limit: String(full.limit), waiting: String(full.waiting), setting },
    retryAfterMs,
  });
}

/** By what the last queries took, this one would still wait when its time is over, so it is not begun. */
export function queryCannotStart(wait: {
  readonly waitMs: number;
  readonly remainingMs: number;
  readonly waiting: number;
  readonly retryAfterMs: number;
}): TesseraError {
  const [waitMs, remainingMs] = [Math.round(wait.waitMs), Math.round(wait.remainingMs)];
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_CANNOT_START',
    message: `The query would wait about ${waitMs} ms behind ${wait.waiting} others, but has ${remainingMs} ms left. Try again later or give it a longer timeout.`,
    metadata: {
      waitMs: String(waitMs),
      remainingMs: String(remainingMs),
      waiting: String(wait.waiting),
    },
    retryAfterMs: wait.retryAfterMs,
  });
}

/** What one query holds of rows in this daemon: partial results, tables read through connectors, its answer. */
export function queryMemoryExceeded(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_MEMORY_EXCEEDED',
    message: `The query would hold more than ${limit} bytes of rows (maxQueryMemoryBytes). Filter or group more, build a cuboid for it, or raise the limit.`,
    metadata: { limit: String(limit), setting: 'maxQueryMemoryBytes' },
  });
}

/** All queries together hold as much as they may; others that end make room. */
export function queryMemoryFull(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_MEMORY_FULL',
    message: `The queries of this daemon hold ${limit} bytes of rows together (maxMemoryBytes), so this one was stopped. Try again when others are done, ask for less at once, or raise the limit.`,
    metadata: { limit: String(limit), setting: 'maxMemoryBytes' },
    retryAfterMs: memoryRetryMs,
  });
}

const memoryRetryMs = 1_000;

/** DuckDB, which computes what JavaScript does not, has no more memory for all queries together. */
export function engineMemoryExceeded(limit: number, cause: TesseraError): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'OUT_OF_MEMORY',
    message: `The query needs more memory than DuckDB has for all queries of its kind, small or heavy: ${limit} bytes, a part of duckdbMemoryBytes. Filter or group more, build a cuboid for it, or raise the limit.`,
    metadata: { ...cause.metadata, limit: String(limit), setting: 'duckdbMemoryBytes' },
    cause,
  });
}

export function queryCancelled(queryId: string): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'QUERY_CANCELLED',
    message: `Query ${queryId} was cancelled.`,
    metadata: { queryId },
  });
}

export function queryNotRunning(queryId: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'QUERY_NOT_RUNNING',
    message: `No query ${queryId} is running; it may have ended already.`,
    metadata: { queryId },
  });
}

export function projectNotFound(project: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'PROJECT_NOT_FOUND',
    message: `There is no project ${project}, or it holds no sources. Apply a Source first.`,
    metadata: { project },
  });
}

/** A table, model or source vanished between planning and reading. */
export function sourceChanged(table: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SOURCE_CHANGED',
    message: `The data of ${table} changed while the query read it (${detail}). Run the query again.`,
    metadata: { table },
  });
}

export function sourceUnavailable(source: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SOURCE_UNAVAILABLE',
    message: `Source ${source} cannot be read: ${detail}`,
    metadata: { source },
  });
}

export function badSetting(name: string, value: string, expected: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_SETTING',
    message: `Setting ${name} = ${JSON.stringify(value)} is not ${expected}.`,
    metadata: { name, value },
  });
}

/** Anything that we did not foresee: the query ends, the daemon goes on. The cause is in the log. */
export function internalError(queryId: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'INTERNAL',
    message: `Query ${queryId} failed by an error of ours; its log entry says more.`,
    metadata: { queryId },
    cause,
  });
}

/** A statement that would read a source which statements must not reach. */
export function pushDownOff(table: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PUSH_DOWN_OFF',
    message: `Only the source can answer for ${table}, and its push-down is off. EXPLAIN CUBOID says what cuboid would answer instead.`,
    metadata: { table },
  });
}

export function parameterMissing(number: number, wanted: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PARAMETER_MISSING',
    message: `The statement has ${wanted} parameters, but no value was given for $${number}.`,
    metadata: { number: String(number), wanted: String(wanted) },
  });
}

export function tableNotFound(source: string, table: string, nearest?: string): TesseraError {
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'TABLE_NOT_FOUND',
    message: `There is no table ${source}.${table}.${hint}`,
    metadata: { source, table },
  });
}

/** What one storage daemon said, or that it said nothing, when it was asked for segments. */
export interface AskedDaemon {
  readonly daemon: string;
  readonly reason: string;
}

/** A stored layout's file may exist, but none of the daemons that may have it gives its rows now. */
export function segmentUnreachable(
  segment: string,
  layout: string,
  asked: readonly AskedDaemon[],
): TesseraError {
  const list = asked.map(({ daemon, reason }) => `${daemon} (${reason})`).join(', ');
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SEGMENT_UNREACHABLE',
    message: `No storage daemon gives layout ${layout} of segment ${segment} now. Asked: ${list || 'none'}. Run the query again when one of them is back.`,
    metadata: { segment, layout, asked: list },
  });
}

/** Metadata names no storage node that could be asked. */
export function noStorageNodes(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'NO_STORAGE_NODES',
    message:
      'No storage node is known, so stored data cannot be read. Start a storage daemon; then run the query again.',
  });
}

/** Every storage daemon says that it does not have the file; the layout is left out of the next plan. */
export function noReplicaStored(segment: string, layout: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'LAYOUT_NOT_STORED',
    message: `Layout ${layout} of segment ${segment} is at none of the storage daemons.`,
    metadata: { segment, layout },
  });
}

export function badPageToken(token: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_PAGE_TOKEN',
    message: 'The page token is not one of this list. Start again without one.',
    metadata: { token },
  });
}

/** Failures that say something of the values that were read; of rows that the caller may not see, too. */
const tellingCodes: readonly Code[] = [
  Code.INVALID_ARGUMENT,
  Code.OUT_OF_RANGE,
  Code.INTERNAL,
  Code.UNKNOWN,
];

/**
 * A failure as a caller may know it who sees his tables in part: an engine may compute a value before the policy
 * drops its row, and spells the value in its message.
 */
export function withheld(failure: TesseraError): TesseraError {
  if (!tellingCodes.includes(failure.code)) return failure;
  const { code, reason } = failure;
  const message = `The statement failed on a value (${reason}). The message is withheld, because access policies hide some of the rows that were read.`;
  return new TesseraError({ code, reason, message });
}
