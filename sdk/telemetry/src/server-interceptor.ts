import { type Context, context, createTraceState, SpanKind, trace } from '@opentelemetry/api';
import type { CallContext, Metadata, ServerMiddlewareCall } from 'nice-grpc-common';
import { attributesOf, isTraced, spanNameOf } from './calls.ts';
import { openSpan, streamWithin } from './span.ts';
import { parseTraceparent, traceparentKey, tracestateKey } from './traceparent.ts';

/**
 * Makes every call that a gRPC server answers a span: a child of the caller's when it sent one, else the root of a new
 * trace. Without a provider in the process the call is passed on as it is.
 */
export function tracesServerCalls<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  callContext: CallContext,
): AsyncGenerator<Response, Response | void, undefined> {
  const { path } = call.method;
  const open = isTraced(path)
    ? openSpan(
        spanNameOf(path),
        { kind: SpanKind.SERVER, attributes: attributesOf(path) },
        contextOf(callContext.metadata),
      )
    : undefined;
  if (open === undefined) return call.next(call.request, callContext);
  return streamWithin(open, () => call.next(call.request, callContext));
}

function contextOf(metadata: Metadata): Context {
  const caller = parseTraceparent(metadata.get(traceparentKey) ?? '');
  if (caller === undefined) return context.active();
  const state = metadata.get(tracestateKey);
  const traceState = state === undefined ? {} : { traceState: createTraceState(state) };
  return trace.setSpanContext(context.active(), { ...caller, ...traceState });
}
