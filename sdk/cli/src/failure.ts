import { Code, isTesseraError, messageOf } from '@tessera/base';
import { toJson } from './table.ts';
import type { Terminal } from './terminal.ts';

/** The exit code of a command line that makes no sense. */
export const wrongInput = 2;

/**
 * Exit codes that scripts can trust: 1 failed, 2 wrong input, 3 not found, 4 the platform cannot be reached,
 * 5 not possible in the present state, 130 cancelled.
 */
export function exitCodeOf(error: unknown): number {
  if (!isTesseraError(error)) return 1;
  switch (error.code) {
    case Code.INVALID_ARGUMENT:
    case Code.OUT_OF_RANGE:
      return wrongInput;
    case Code.NOT_FOUND:
      return 3;
    case Code.UNAVAILABLE:
      return 4;
    case Code.FAILED_PRECONDITION:
    case Code.ABORTED:
    case Code.ALREADY_EXISTS:
      return 5;
    case Code.CANCELLED:
      return 130;
    default:
      return 1;
  }
}

/** Says what went wrong, where, and its reason code. */
export function printFailure(error: unknown, terminal: Terminal, json: boolean): void {
  if (!isTesseraError(error)) {
    terminal.err(`error: ${messageOf(error)}\n`);
    return;
  }
  const { reason, message, metadata, violations } = error;
  if (json) {
    terminal.err(toJson({ error: { reason, message, metadata, violations } }));
    return;
  }
  terminal.err(`error: ${message} (${reason})\n`);
  for (const { file, line, column, field, description } of violations) {
    if (message.includes(description)) continue;
    const place = line === undefined ? field : `${file ?? field}:${line}:${column ?? 1}`;
    terminal.err(`  ${place}: ${description}\n`);
  }
}
