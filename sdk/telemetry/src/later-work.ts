import { type Attributes, context, isSpanContextValid, trace } from '@opentelemetry/api';
import { inSpan } from './span.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

/** Work that is asked for in one call and done after it, perhaps by another process: still a part of the caller's trace. */

/** The span that the caller works in, to be kept with what it asks for; empty outside of any. */
export function activeTraceparent(): string {
  const current = trace.getActiveSpan()?.spanContext();
  return current === undefined || !isSpanContextValid(current) ? '' : formatTraceparent(current);
}

/** Runs `work` inside a span below the one that was kept. Work that nobody traced begins no trace of its own. */
export function inSpanUnder<T>(
  traceparent: string,
  name: string,
  attributes: Attributes,
  work: () => T,
): T {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return work();
  const within = trace.setSpanContext(context.active(), parent);
  return context.with(within, () => inSpan(name, attributes, work));
}

/** Runs `work` inside a span where its caller is traced; else as it is. */
export function inChildSpan<T>(name: string, attributes: Attributes, work: () => T): T {
  return trace.getActiveSpan() === undefined ? work() : inSpan(name, attributes, work);
}
