import { Code, TesseraError } from '@tessera/base';

/** There is no transport security yet, so nothing is sent beyond this machine. */
export function plaintextRefused(address: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PLAINTEXT_REFUSED',
    message: `Refusing to talk to ${address} in plain text: use a loopback address such as 127.0.0.1:8815.`,
    metadata: { address },
  });
}

/** A peer sent something that this version does not know or that contradicts itself. */
export function malformedMessage(what: string, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'MALFORMED_MESSAGE',
    message: `${what} cannot be read: ${problem}. Do both sides have the same version of Tessera?`,
    metadata: { what },
  });
}

/** The stream ended before the summary came: what was read is not a whole answer. */
export function answerIncomplete(queryId: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ANSWER_INCOMPLETE',
    message: `Query ${queryId || '(without id)'} ended without its summary; run it again.`,
    metadata: { queryId },
  });
}

/** A part of a statement that stays with whoever runs the statement was about to be sent to storage. */
export function expressionDoesNotTravel(kind: string): TesseraError {
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'EXPRESSION_DOES_NOT_TRAVEL',
    message: `An expression of kind ${kind} was to be sent in a scan plan; only scalar ones and aggregates can be.`,
    metadata: { kind },
  });
}

/** A watch never ends by itself, so the daemon is going away. */
export function watchEnded(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'WATCH_ENDED',
    message: 'The watch was ended by the daemon; is it stopping?',
  });
}

/** The operation ended well but without the response that was expected of it. */
export function responseMissing(operation: string): TesseraError {
  return new TesseraError({
    code: Code.INTERNAL,
    reason: 'OPERATION_RESPONSE_MISSING',
    message: `${operation} is done but holds no response.`,
    metadata: { operation },
  });
}

/** The caller's own signal ended the waiting. */
export function waitCancelled(cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'CANCELLED',
    message: 'The waiting was cancelled by its caller.',
    cause,
  });
}
