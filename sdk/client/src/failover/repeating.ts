import { Code, isTesseraError } from '@tessera/base';
import { ClientError } from 'nice-grpc-common';

/** A method of a service, as ts-proto defines it. */
export interface Method {
  readonly name: string;
  readonly requestType: { fromPartial(object: object): object };
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** What a call that failed says about the daemon that was asked. */
export type Failure =
  /** It was not asked: nothing has happened there. */
  | 'unreached'
  /** It was asked, and what it did is not known; or it said that it cannot do it now. */
  | 'lost'
  /** It answered, and another one would answer the same. */
  | 'answered';

export function failureOf(error: unknown): Failure {
  if (!isTesseraError(error)) return 'answered';
  if (error.reason === 'WRITE_OUTCOME_UNKNOWN') return 'lost';
  if (error.code !== Code.UNAVAILABLE) return 'answered';
  if (error.reason.startsWith('TLS_') || error.reason === 'DAEMON_UNRESPONSIVE') return 'unreached';
  const { cause } = error;
  const neverConnected = cause instanceof ClientError && unconnected.test(cause.details);
  return neverConnected ? 'unreached' : 'lost';
}

/** In grpc-js's words. */
const unconnected = /^(No connection established|Name resolution failed)/;

/** These change nothing, or being done twice is the same as once. The others stand under a request id. */
const harmless =
  /^(Get|List|Watch|Wait|Check|Find|Locate|Read|Scan|Verify|Explain|Preview|Resolve|WhoAmI|Login|SetPassword|ExecuteQuery|AcquireLease|RenewLease|ReleaseLease|Cancel|CreateBackup|CompactRevisions)/;

/** Whether another daemon may be asked the same when it is not known what the first one did. */
export function isRepeatable(method: Method): boolean {
  return !method.requestStream && (harmless.test(method.name) || hasRequestId(method));
}

/** A request that is made once however often it is sent: under the id that it has, or else a new one. */
export function withRequestId(method: Method, request: object, newId: () => string): object {
  if (method.requestStream || !hasRequestId(method)) return request;
  const { requestId } = request as { readonly requestId?: string };
  return requestId ? request : { ...request, requestId: newId() };
}

function hasRequestId({ requestType, requestStream }: Method): boolean {
  return !requestStream && 'requestId' in requestType.fromPartial({});
}

/**
 * Services of which every call is short: one that is not answered in time is made elsewhere. Elsewhere a call may
 * rightly take long, and only a connection that died ends it.
 */
const brief = /^tessera\.(metadata|coordination|access|flink)\./;
const lengthy = /^tessera\.metadata\.v1\.(Maintenance|Backup)Service$/;

export function isBrief(service: string, { responseStream, requestStream }: Method): boolean {
  return brief.test(service) && !lengthy.test(service) && !responseStream && !requestStream;
}
