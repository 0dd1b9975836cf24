import { context, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { AsyncContextManager } from './async-context.ts';
import { plaintextTelemetryRefused, tracingStarted } from './errors.ts';

/** Spans that wait for their export; more are dropped rather than held. */
const maxQueuedSpans = 8_192;
const exportIntervalMs = 1_000;
const exportTimeoutMs = 10_000;

export interface TracingOptions {
  /** `service.name` of its spans. */
  readonly service: string;
  /** Where spans go over OTLP/gRPC: `http://` on loopback, `https://` anywhere. */
  readonly endpoint: string;
}

/**
 * Registers this process as one that traces. Its packages are loaded only now.
 * @throws TELEMETRY_ADDRESS_REFUSED for http:// off loopback, TRACING_STARTED when the process traces already.
 */
export async function startTracing({
  service,
  endpoint,
}: TracingOptions): Promise<AsyncDisposable> {
  requireSafe(endpoint);
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
  return traceTo(new OTLPTraceExporter({ url: endpoint, timeoutMillis: exportTimeoutMs }), service);
}

/** The same to any exporter. Disposal sends what waits and ends tracing in this process. */
export async function traceTo(exporter: SpanExporter, service: string): Promise<AsyncDisposable> {
  const { BatchSpanProcessor, TracerProvider } = await import('@opentelemetry/sdk-trace');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: maxQueuedSpans,
    scheduledDelayMillis: exportIntervalMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }),
    spanProcessors: [processor],
  });
  if (!trace.setGlobalTracerProvider(provider)) throw tracingStarted();
  context.setGlobalContextManager(new AsyncContextManager());
  return {
    async [Symbol.asyncDispose]() {
      // A collector that is away must not keep a daemon from stopping.
      await provider.shutdown().catch(() => {});
      trace.disable();
      context.disable();
    },
  };
}

function requireSafe(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) return;
  throw plaintextTelemetryRefused(endpoint);
}
