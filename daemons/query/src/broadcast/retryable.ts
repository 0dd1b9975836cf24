import { Code, isTesseraError, type TesseraError } from '@tessera/base';
import { isUnreadable } from '../execute/unreadable.ts';

const passingCodes: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.INTERNAL,
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.CANCELLED,
]);

/**
 * True where another replica may do what this one did not: it is away or full, its stream broke, or its file is. What
 * is wrong with the plan or its values is wrong everywhere.
 */
export function mayWorkElsewhere(error: unknown): error is TesseraError {
  if (!isTesseraError(error)) return false;
  const { code, reason } = error;
  return passingCodes.has(code) || reason === 'SCAN_QUEUE_FULL' || isUnreadable(error);
}
