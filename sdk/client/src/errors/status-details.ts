import { type Code, type FieldViolation, TesseraError } from '@tessera/base';
import { Any, rpc, type } from '@tessera/proto';
import { durationFromProto, durationToProto } from '../resources/time.ts';

/**
 * A `TesseraError` on the wire: `grpc-status-details-bin` holds a google.rpc.Status with one ErrorInfo, a RetryInfo where
 * the call may be made again, a BadRequest for violations and a FaultPositions that says where they stand. Clients in other languages
 * limit response metadata to 8 KiB, so what does not fit is left out and counted.
 */
export const statusDetailsKey = 'grpc-status-details-bin';

const domain = 'tessera';
const maxDetailBytes = 3_600;
const maxMetadataBytes = 1_200;
const maxTextBytes = 1_000;
const violationsOmitted = 'violationsOmitted';

export function encodeStatusDetails(error: TesseraError): Buffer {
  return Buffer.from(rpc.Status.encode(statusOf(error)).finish());
}

/** What `grpc-message` holds: the same as the status itself, so that all clients show the same. */
export function statusMessage(error: TesseraError): string {
  return cut(error.message);
}

/** The error as a google.rpc.Status, as an operation holds it too. */
export function statusOf(error: TesseraError): rpc.Status {
  let violations = error.violations;
  let status = statusWith(error, violations);
  while (violations.length > 0 && sizeOf(status) > maxDetailBytes) {
    violations = violations.slice(0, violations.length >> 1);
    status = statusWith(error, violations);
  }
  return status;
}

/**
 * Reads an error back. `message` and `code` are what the call itself ended with; they are used when the details
 * say nothing. A status that Tessera did not write gets the reason UNKNOWN_FAILURE.
 */
export function errorOf(status: rpc.Status, cause?: unknown): TesseraError {
  let reason = 'UNKNOWN_FAILURE';
  let metadata: Readonly<Record<string, string>> = {};
  let fields: rpc.BadRequest['fieldViolations'] = [];
  let positions: type.FaultPositions['positions'] = [];
  let retryAfterMs: number | undefined;
  for (const detail of status.details) {
    if (isDetail(detail, 'google.rpc.ErrorInfo')) {
      ({ reason, metadata } = rpc.ErrorInfo.decode(detail.value));
    } else if (isDetail(detail, 'google.rpc.RetryInfo')) {
      retryAfterMs = durationFromProto(rpc.RetryInfo.decode(detail.value).retryDelay);
    } else if (isDetail(detail, 'google.rpc.BadRequest')) {
      fields = rpc.BadRequest.decode(detail.value).fieldViolations;
    } else if (isDetail(detail, 'tessera.type.v1.FaultPositions')) {
      positions = type.FaultPositions.decode(detail.value).positions;
    }
  }
  return new TesseraError({
    code: status.code as Code,
    reason,
    message: status.message,
    metadata: { ...metadata },
    violations: fields.map((field, i) => violationOf(field, positions[i])),
    retryAfterMs,
    cause,
  });
}

export function decodeStatusDetails(details: Uint8Array): rpc.Status {
  return rpc.Status.decode(details);
}

function statusWith(error: TesseraError, violations: readonly FieldViolation[]): rpc.Status {
  const omitted = error.violations.length - violations.length;
  const metadata = omitted === 0 ? {} : { [violationsOmitted]: String(omitted) };
  const details = [
    detail('google.rpc.ErrorInfo', rpc.ErrorInfo, {
      reason: error.reason,
      domain,
      metadata: { ...shortened(error.metadata), ...metadata },
    }),
  ];
  if (error.retryAfterMs !== undefined) {
    const retryDelay = durationToProto(error.retryAfterMs);
    details.push(detail('google.rpc.RetryInfo', rpc.RetryInfo, { retryDelay }));
  }
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, description }) => ({
      field,
      description: cut(description),
      reason: '',
      localizedMessage: undefined,
    }));
    const positions = violations.map(({ file = '', line = 0, column = 0 }) => ({
      file,
      line,
      column,
    }));
    details.push(detail('google.rpc.BadRequest', rpc.BadRequest, { fieldViolations }));
    details.push(detail('tessera.type.v1.FaultPositions', type.FaultPositions, { positions }));
  }
  return { code: error.code, message: statusMessage(error), details };
}

function violationOf(
  { field, description }: { readonly field: string; readonly description: string },
  position: type.FaultPosition | undefined,
): FieldViolation {
  return {
    field,
    description,
    ...(position?.file ? { file: position.file } : {}),
    ...(position?.line ? { line: position.line } : {}),
    ...(position?.column ? { column: position.column } : {}),
  };
}

function detail<T>(
  name: string,
  codec: { encode(value: T): { finish(): Uint8Array } },
  value: T,
): Any {
  return Any.create({
    typeUrl: `type.googleapis.com/${name}`,
    value: codec.encode(value).finish(),
  });
}

function isDetail(detail: Any, name: string): boolean {
  return detail.typeUrl.endsWith(`/${name}`);
}

function sizeOf(status: rpc.Status): number {
  return rpc.Status.encode(status).finish().length;
}

/** Metadata that is too large has its values cut to equal shares. */
function shortened(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(metadata);
  const total = entries.reduce((sum, [key, value]) => sum + bytesOf(key) + bytesOf(value), 0);
  if (total <= maxMetadataBytes) return { ...metadata };
  const share = Math.max(32, Math.floor(maxMetadataBytes / entries.length));
  return Object.fromEntries(entries.map(([key, value]) => [key, cut(value, share)]));
}

const ellipsis = '…';

/** Cut between characters to so many bytes of UTF-8, marked where it was cut. */
function cut(text: string, maxBytes = maxTextBytes): string {
  if (bytesOf(text) <= maxBytes) return text;
  let bytes = bytesOf(ellipsis);
  let kept = '';
  for (const character of text) {
    bytes += bytesOf(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept + ellipsis;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
