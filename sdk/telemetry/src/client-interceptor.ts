import { type SpanContext, SpanKind } from '@opentelemetry/api';
import { type CallOptions, type ClientMiddlewareCall, Metadata } from 'nice-grpc-common';
import { attributesOf, isTraced, spanNameOf } from './calls.ts';
import { type OpenSpan, openSpan, streamWithin } from './span.ts';
import {
  formatTraceparent,
  type TraceHeaders,
  traceparentKey,
  tracestateKey,
} from './traceparent.ts';

/**
 * Makes every call of a gRPC client a span and hands its context on, so that the daemon's spans become its children.
 * Without a provider in the process the call is passed on as it is.
 */
export function tracesClientCalls<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  options: CallOptions,
): AsyncGenerator<Response, Response | void, undefined> {
  const open = openClientSpan(call.method.path);
  if (open === undefined) return call.next(call.request, options);
  const { traceparent, tracestate } = headersOf(open.span.spanContext());
  const metadata = Metadata(options.metadata).set(traceparentKey, traceparent);
  if (tracestate !== '') metadata.set(tracestateKey, tracestate);
  return streamWithin(open, () => call.next(call.request, { ...options, metadata }));
}

/** The same for one of several requests on a call, which is given what to hand on with it: empty when nobody traces. */
export function tracedRequest<Response>(
  path: string,
  send: (trace: TraceHeaders) => AsyncIterable<Response>,
): AsyncIterable<Response> {
  const open = openClientSpan(path);
  if (open === undefined) return send({ traceparent: '', tracestate: '' });
  return streamWithin(open, () => send(headersOf(open.span.spanContext())));
}

function openClientSpan(path: string): OpenSpan | undefined {
  if (!isTraced(path)) return undefined;
  const attributes = attributesOf(path);
  return openSpan(spanNameOf(path), { kind: SpanKind.CLIENT, attributes });
}

function headersOf(sent: SpanContext): TraceHeaders {
  return {
    traceparent: formatTraceparent(sent),
    tracestate: sent.traceState?.serialize() ?? '',
  };
}
