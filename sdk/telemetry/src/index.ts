/** Spans, their context on the wire, and metrics as data. Exporters are elsewhere. */
export { tracedCall, tracedStream } from './calls.ts';
export { tracedRequest, tracesClientCalls } from './client-interceptor.ts';
export { activeTraceparent, inChildSpan, inSpanUnder } from './later-work.ts';
export {
  defineMetrics,
  type Labels,
  type Meter,
  type MetricDefinition,
  type MetricKind,
  noMeter,
  type Reading,
  secondsBuckets,
} from './meter.ts';
export { servedRequest, tracesServerCalls } from './server-interceptor.ts';
export { activeTrace, inSpan, inSpanStream, noteOnSpan } from './span.ts';
export { formatTraceparent, parseTraceparent, type TraceHeaders } from './traceparent.ts';
