import { Code, TesseraError } from '@tessera/base';
import { type CallOptions, ClientError, type ClientMiddlewareCall } from 'nice-grpc-common';
import { tlsFailure } from '../transport/tls-failure.ts';
import { decodeStatusDetails, errorOf, statusDetailsKey } from './status-details.ts';

/** Makes every failed call throw a `TesseraError`, with the reason and violations that the daemon gave. */
export async function* failuresAsTesseraErrors<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  options: CallOptions,
): AsyncGenerator<Response, Response | void, undefined> {
  let details: Uint8Array | undefined;
  const onTrailer: CallOptions['onTrailer'] = (trailer) => {
    details = trailer.get(statusDetailsKey);
    options.onTrailer?.(trailer);
  };
  try {
    return yield* call.next(call.request, { ...options, onTrailer });
  } catch (error) {
    throw failureOf(error, {
      details,
      aborted: options.signal?.aborted === true,
      path: call.method.path,
    });
  }
}

function failureOf(
  error: unknown,
  call: {
    readonly details: Uint8Array | undefined;
    readonly aborted: boolean;
    readonly path: string;
  },
): unknown {
  if (error instanceof ClientError) {
    const base = { code: error.code as number, message: error.details };
    if (call.details !== undefined) {
      return errorOf({ ...decodeStatusDetails(call.details), ...base }, error);
    }
    const untrusted = tlsFailure(error.details);
    if (untrusted !== undefined) return untrusted;
    return new TesseraError({
      code: error.code as unknown as Code,
      reason: transportReasons[error.code as number] ?? 'UNKNOWN_FAILURE',
      message: transportMessage(error, call.path),
      metadata: { method: call.path },
      cause: error,
    });
  }
  if (!call.aborted) return error;
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'CANCELLED',
    message: `${call.path} was cancelled by its caller.`,
    metadata: { method: call.path },
    cause: error,
  });
}

/** Failures that no daemon described, because the call never got that far. */
const transportReasons: Readonly<Record<number, string>> = {
  [Code.CANCELLED]: 'CANCELLED',
  [Code.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [Code.UNAVAILABLE]: 'DAEMON_UNAVAILABLE',
  [Code.UNIMPLEMENTED]: 'METHOD_UNKNOWN',
  [Code.RESOURCE_EXHAUSTED]: 'MESSAGE_TOO_LARGE',
};

function transportMessage(error: ClientError, path: string): string {
  const hint = (error.code as number) === Code.UNAVAILABLE ? unavailableHint(error.details) : '';
  return `${path} failed: ${error.details}.${hint}`;
}

/** What gRPC says of a connection that was ended before the other side said anything. A refused certificate looks so in TLS 1.3, where the alert comes after the handshake and is mostly overtaken by the end. */
const endedAtOnce = /Last error: (Failed to connect|.*(ECONNRESET|EPIPE))/;

function unavailableHint(details: string): string {
  return endedAtOnce.test(details)
    ? ' Something listens there and ended the connection at once: it may refuse the certificate that --tls-cert and --tls-key give, or speak TLS where this side does not.'
    : ' Is the platform running there? Start it with `tessera up`.';
}
