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

export function queryQueueFull(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'QUERY_QUEUE_FULL',
    message: `${limit} queries are waiting already. Try again in a moment.`,
    metadata: { limit: String(limit) },
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
