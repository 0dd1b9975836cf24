import { type Attributes, trace } from '@opentelemetry/api';
import { inSpan, inSpanStream } from './span.ts';

/** `/tessera.query.v1.QueryService/ExecuteQuery`, as attributes of its span. */
export function attributesOf(path: string): Attributes {
  const [, service = '', method = ''] = path.split('/');
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
}

export function spanNameOf(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path;
}

/** Calls that last longer than what they are made for, and those of the infrastructure, are no part of any trace. */
export function isTraced(path: string): boolean {
  return !/\/Watch[A-Za-z]*$|\/ScanCuboids$|^\/grpc\./.test(path);
}

/**
 * A call between daemons of one process. It is a part of a trace or none: what daemons do by themselves all day begins
 * no trace of its own.
 */
export function tracedCall<T>(path: string, call: () => T): T {
  if (trace.getActiveSpan() === undefined || !isTraced(path)) return call();
  return inSpan(spanNameOf(path), attributesOf(path), call);
}

/** The same for a call that streams its response. */
export function tracedStream<T>(path: string, call: () => AsyncIterable<T>): AsyncIterable<T> {
  if (trace.getActiveSpan() === undefined || !isTraced(path)) return call();
  return inSpanStream(spanNameOf(path), attributesOf(path), call);
}
