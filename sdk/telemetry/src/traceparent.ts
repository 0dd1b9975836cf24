import { isValidSpanId, isValidTraceId, type SpanContext } from '@opentelemetry/api';

/** Metadata keys of W3C Trace Context. */
export const traceparentKey = 'traceparent';
export const tracestateKey = 'tracestate';

/** Of the caller's span, as they stand in metadata; empty: none. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate: string;
}

/** `00-<trace id>-<span id>-<flags>`. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/**
 * The caller's span, or `undefined` for what is no `traceparent`: then a trace of its own begins here. Versions to come
 * may append fields; version ff is forbidden.
 */
export function parseTraceparent(text: string): SpanContext | undefined {
  const parts = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text);
  if (parts === null) return undefined;
  const [, version, traceId, spanId, flags, more] = parts;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (!isValidTraceId(traceId!) || !isValidSpanId(spanId!)) return undefined;
  return {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16) & 1,
    isRemote: true,
  };
}
