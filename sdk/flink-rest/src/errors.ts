import { Code, messageOf, TesseraError } from '@tessera/base';
import type { PositionedFailure } from './sql-positions.ts';

/** One call, as errors tell of it. */
export interface CallName {
  readonly method: string;
  readonly url: string;
  /** What Flink is to do, as it follows `refuses to`. Absent: it is only asked. */
  readonly act?: string | undefined;
}

/**
 * Flink does not answer, or not in time. Whether it has carried the call out is not known: observe before acting again.
 */
export function flinkUnreachable({ method, url }: CallName, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'FLINK_UNREACHABLE',
    message: `Flink does not answer ${method} ${url} (${rootMessage(cause)}). Look whether its process runs and try again; the call may have been carried out.`,
    metadata: { method, url },
    cause,
  });
}

/** What came back is not what Flink answers: something else listens there, or the answer was cut off or is too long. */
export function flinkAnswerInvalid({ method, url }: CallName, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'FLINK_ANSWER_INVALID',
    message: `What answers ${method} ${url} does not answer like Flink: ${problem}. Check the address and Flink's version.`,
    metadata: { method, url, problem },
  });
}

/** Flink understood and did not do it. The same call is refused again until something else has changed. */
export function flinkRefused(
  { method, url, act = 'answer' }: CallName,
  { status, failure }: { readonly status: number; readonly failure: string },
): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_REFUSED',
    message: `Flink refuses to ${act}: ${failure} (status ${status} of ${method} ${url})`,
    metadata: { method, url, status: String(status), failure },
  });
}

/** Flink has no job, vertex, file, TaskManager, session or trigger of that id; after a restart it knows none. */
export function flinkNotFound({ method, url }: CallName, failure: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'FLINK_NOT_FOUND',
    message: `Flink knows nothing of what ${method} ${url} asks for: ${failure}`,
    metadata: { method, url, failure },
  });
}

/** A job of that id was submitted before, to this same JobManager; it may have ended. */
export function flinkJobExists({ method, url }: CallName, failure: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'FLINK_JOB_EXISTS',
    message: `The job was submitted before: ${failure}`,
    metadata: { method, url, failure },
  });
}

/** A statement of SQL does not plan, or fails while it runs; where that is in its script. */
export function flinkStatementFailed(
  statement: string,
  { failure, line, column }: PositionedFailure,
): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_STATEMENT_FAILED',
    message: `The script fails at line ${line}, column ${column}, in ${JSON.stringify(statement.slice(0, 200))}: ${failure}`,
    metadata: {
      statement: statement.slice(0, 1_000),
      failure,
      line: String(line),
      column: String(column),
    },
  });
}

/** The SQL gateway takes no further session, or not with this configuration. No statement was run. */
export function flinkSessionRefused(failure: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'FLINK_SESSION_REFUSED',
    message: `The SQL gateway opens no session: ${failure}`,
    metadata: { failure },
  });
}

/** `fetch failed` says nothing; what it was caused by does. */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return messageOf(root) || String(root);
}
