import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';
import type { Logger } from './logger.ts';

/**
 * What leaves a handler: a `TesseraError` as it is, an abort as CANCELLED, anything else as INTERNAL (logged
 * with its stack: it is our mistake, and the caller can do nothing about it).
 */
export function asTesseraError(
  error: unknown,
  signal: AbortSignal,
  method: string,
  log: Logger,
): TesseraError {
  if (isTesseraError(error)) return error;
  if (signal.aborted) {
    return new TesseraError({
      code: Code.CANCELLED,
      reason: 'CANCELLED',
      message: `${method} was cancelled by its caller.`,
      cause: error,
    });
  }
  log.error({ method, error: error instanceof Error ? error.stack : error }, 'handler.failed');
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'INTERNAL',
    message: `${method} failed unexpectedly: ${messageOf(error)}. This is a fault of Tessera; its log has the details.`,
    metadata: { method },
    cause: error,
  });
}
