import { Code, TesseraError } from '@tessera/base';

/** Nothing goes beyond this machine in plain text unless somebody named that in configuration. */
export function plaintextRefused(address: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PLAINTEXT_REFUSED',
    message: `Refusing plain text on ${address}, which is not a loopback address such as 127.0.0.1:8815: give certificates with --tls-ca, --tls-cert and --tls-key, or name it --insecure.`,
    metadata: { address },
  });
}

/** Whoever accepts connections there does not speak: a process that hangs or was stopped. Nothing has happened. */
export function daemonUnresponsive(
  method: string,
  address: string,
  waitedMs: number,
): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'DAEMON_UNRESPONSIVE',
    message: `${method} failed: no connection to ${address} came about within ${waitedMs} ms. Does the daemon there hang?`,
    metadata: { method, address, waitedMs: `${waitedMs}` },
  });
}

/** No answer came in time, and what was asked for may not be asked twice. */
export function daemonSilent(method: string, address: string, waitedMs: number): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'DAEMON_SILENT',
    message: `${method} failed: ${address} did not answer within ${waitedMs} ms. It may have done what was asked; read before asking again.`,
    metadata: { method, address, waitedMs: `${waitedMs}` },
  });
}

/** A list of addresses without any. */
export function noAddress(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'NO_ADDRESS',
    message: 'An address such as 127.0.0.1:7400 is needed, or several with commas between them.',
  });
}

/** Daemons that run apart are named by kind, each kind once, and metadata is one of them. */
export function badPlatformAddress(text: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_PLATFORM_ADDRESS',
    message: `"${text}" is no address of a platform: write host:port, or daemons by kind such as "metadata=a:7410;scheduler=a:7420;query=a:7412", each kind (metadata, scheduler, query, storage) once and metadata among them.`,
    metadata: { text },
  });
}

/** A certificate goes with its key, and a server cannot do without them. */
export function tlsFilesIncomplete(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TLS_FILES_INCOMPLETE',
    message:
      'TLS needs a certificate and its private key together: give both --tls-cert and --tls-key.',
  });
}

export function tlsFileUnreadable(file: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TLS_FILE_UNREADABLE',
    message: `${file} cannot be read: does it exist, and may this process read it?`,
    metadata: { file },
    cause,
  });
}

export function certificateMalformed(file: string, problem: string, cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TLS_CERTIFICATE_MALFORMED',
    message: `${file} cannot be used for TLS: ${problem}.`,
    metadata: { file },
    cause,
  });
}

export function certificateExpired(file: string, end: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TLS_CERTIFICATE_EXPIRED',
    message: `The certificate in ${file} expired at ${end}: put a new one in its place.`,
    metadata: { file, end },
  });
}

export function certificateNotYetValid(file: string, start: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TLS_CERTIFICATE_NOT_YET_VALID',
    message: `The certificate in ${file} is valid from ${start} on: is this machine's clock right?`,
    metadata: { file, start },
  });
}

export function keyMismatch(cert: string, key: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TLS_KEY_MISMATCH',
    message: `The private key in ${key} does not belong to the certificate in ${cert}.`,
    metadata: { cert, key },
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

export function tokenFileUnreadable(file: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TOKEN_FILE_UNREADABLE',
    message: `No token can be read from ${file}: its first line has to hold what \`tessera token create\` printed.`,
    metadata: { file },
    cause,
  });
}
