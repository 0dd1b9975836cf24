import { SpanKind } from '@opentelemetry/api';
import { type CallOptions, type ClientMiddlewareCall, Metadata } from 'nice-grpc-common';
import { attributesOf, isTraced, spanNameOf } from './calls.ts';
import { openSpan, streamWithin } from './span.ts';
import { formatTraceparent, traceparentKey, tracestateKey } from './traceparent.ts';

/**
 * Makes every call of a gRPC client a span and hands its context on, so that the daemon's spans become its children.
 * Without a provider in the process the call is passed on as it is.
 */
export function tracesClientCalls<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  options: CallOptions,
): AsyncGenerator<Response, Response | void, undefined> {
  const { path } = call.method;
  const open = isTraced(path)
    ? openSpan(spanNameOf(path), { kind: SpanKind.CLIENT, attributes: attributesOf(path) })
    : undefined;
  if (open === undefined) return call.next(call.request, options);
  const sent = open.span.spanContext();
  const metadata = Metadata(options.metadata).set(traceparentKey, formatTraceparent(sent));
  const state = sent.traceState?.serialize();
  if (state !== undefined && state !== '') metadata.set(tracestateKey, state);
  return streamWithin(open, () => call.next(call.request, { ...options, metadata }));
}
