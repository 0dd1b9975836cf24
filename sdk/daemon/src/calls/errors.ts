import { Code, TesseraError } from '@tessera/base';

/** The daemon was told to stop. Another one may do it; this one is perhaps started again. */
export function shuttingDown(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SHUTTING_DOWN',
    message: 'This daemon is shutting down. Ask another one, or this one again when it is back.',
    retryAfterMs: restartMs,
  });
}

/** About what a daemon takes to be there again. */
const restartMs = 1_000;

/** The caller took nothing of a stream for too long, so what was held for him was let go. */
export function readerTooSlow(timeoutMs: number): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'READER_TOO_SLOW',
    message: `Nothing of the stream was taken for ${timeoutMs} ms, so it was ended. Watch again from the last revision, or ask again and read faster.`,
    metadata: { timeoutMs: String(timeoutMs) },
    retryAfterMs: 0,
  });
}
