import { type Context, context, createTraceState, SpanKind, trace } from '@opentelemetry/api';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import { attributesOf, isTraced, spanNameOf } from './calls.ts';
import { type OpenSpan, openSpan, streamWithin } from './span.ts';
import {
  parseTraceparent,
  type TraceHeaders,
  traceparentKey,
  tracestateKey,
} from './traceparent.ts';

/**
 * Makes every call that a gRPC server answers a span: a child of the caller's when it sent one, else the root of a new
 * trace. Without a provider in the process the call is passed on as it is.
 */
export function tracesServerCalls<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  callContext: CallContext,
): AsyncGenerator<Response, Response | void, undefined> {
  const { metadata } = callContext;
  const open = openServerSpan(call.method.path, {
    traceparent: metadata.get(traceparentKey) ?? '',
    tracestate: metadata.get(tracestateKey) ?? '',
  });
  if (open === undefined) return call.next(call.request, callContext);
  return streamWithin(open, () => call.next(call.request, callContext));
}

/** The same for one of several requests on a call, with what `tracedRequest` handed on with it. */
export function servedRequest<Response>(
  path: string,
  headers: TraceHeaders,
  serve: () => AsyncIterable<Response>,
): AsyncIterable<Response> {
  const open = openServerSpan(path, headers);
  return open === undefined ? serve() : streamWithin(open, serve);
}

function openServerSpan(path: string, headers: TraceHeaders): OpenSpan | undefined {
  if (!isTraced(path)) return undefined;
  const attributes = attributesOf(path);
  const options = { kind: SpanKind.SERVER, attributes };
  return openSpan(spanNameOf(path), options, contextOf(headers));
}

function contextOf({ traceparent, tracestate }: TraceHeaders): Context {
  const caller = parseTraceparent(traceparent);
  if (caller === undefined) return context.active();
  const traceState = tracestate === '' ? {} : { traceState: createTraceState(tracestate) };
  return trace.setSpanContext(context.active(), { ...caller, ...traceState });
}
