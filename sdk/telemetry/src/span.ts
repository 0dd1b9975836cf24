import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTesseraError, messageOf } from '@tessera/base';

/** A span and the context to work in, or `undefined` when nobody traces: then there is nothing to do. */
export interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
}

export function openSpan(
  name: string,
  options: { readonly kind?: SpanKind; readonly attributes?: Attributes },
  parent: Context = context.active(),
): OpenSpan | undefined {
  const span = trace.getTracer('tessera').startSpan(name, options, parent);
  if (!isSpanContextValid(span.spanContext())) return undefined;
  return { span, context: trace.setSpan(parent, span) };
}

/** Runs `work` inside a span, which ends with it and tells the reason of its failure. */
export function inSpan<T>(name: string, attributes: Attributes, work: () => T): T {
  const open = openSpan(name, { attributes });
  if (open === undefined) return work();
  return context.with(open.context, () => {
    let result: T;
    try {
      result = work();
    } catch (error) {
      fail(open.span, error);
      open.span.end();
      throw error;
    }
    if (!(result instanceof Promise)) {
      open.span.end();
      return result;
    }
    return result
      .catch((error: unknown) => {
        fail(open.span, error);
        throw error;
      })
      .finally(() => open.span.end()) as T;
  });
}

/** The same for a stream: the span lasts until it is read to its end, fails or is given up. */
export function inSpanStream<T>(
  name: string,
  attributes: Attributes,
  work: () => AsyncIterable<T>,
): AsyncIterable<T> {
  const open = openSpan(name, { attributes });
  return open === undefined ? work() : streamWithin(open, work);
}

/** Adds attributes to the span that the caller works in, if there is one. */
export function noteOnSpan(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** Ids of the trace that the caller works in, as log fields; `undefined` outside of any. */
export function activeTrace(): { readonly trace_id: string; readonly span_id: string } | undefined {
  const current = trace.getActiveSpan()?.spanContext();
  if (current === undefined || !isSpanContextValid(current)) return undefined;
  return { trace_id: current.traceId, span_id: current.spanId };
}

export async function* streamWithin<T, R>(
  { span, context: within }: OpenSpan,
  work: () => AsyncIterable<T>,
): AsyncGenerator<T, R, undefined> {
  const items = context.with(within, () => work()[Symbol.asyncIterator]());
  let ended = false;
  try {
    for (;;) {
      // A generator has no context of its own: each of its steps is taken in that of the span.
      const step = await context.with(within, () => items.next());
      if (step.done === true) {
        ended = true;
        return step.value as R;
      }
      yield step.value;
    }
  } catch (error) {
    ended = true;
    fail(span, error);
    throw error;
  } finally {
    if (!ended) await context.with(within, () => items.return?.());
    span.end();
  }
}

function fail(span: Span, error: unknown): void {
  const reason = isTesseraError(error) ? error.reason : codeOf(error);
  span.setAttribute('error.type', reason);
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

/** A failure that is on its way to the wire already has only its gRPC status. */
function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? `grpc.${code}` : 'INTERNAL';
}
