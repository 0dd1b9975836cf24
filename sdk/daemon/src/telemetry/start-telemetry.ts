import { type Meter, noMeter } from '@tessera/telemetry';
import { startMetrics } from './start-metrics.ts';
import { startTracing } from './start-tracing.ts';

/** What a process tells of itself; nothing unless it is set. */
export interface TelemetryConfig {
  /** Where spans go over OTLP/gRPC, such as `http://127.0.0.1:4317`. */
  readonly otlpEndpoint?: string;
  /** Loopback address that metrics are served on for Prometheus; port 0 picks a free one. */
  readonly metricsAddress?: string;
}

export interface RunningTelemetry extends AsyncDisposable {
  readonly meter: Meter;
  /** host:port, when metrics are served. */
  readonly metricsAddress?: string;
}

/**
 * Starts what `config` asks for and loads nothing else. Disposal sends the spans that wait.
 * @throws TELEMETRY_ADDRESS_REFUSED, TRACING_STARTED, METRICS_ADDRESS_IN_USE
 */
export async function startTelemetry(
  config: TelemetryConfig,
  service: string,
): Promise<RunningTelemetry> {
  await using stack = new AsyncDisposableStack();
  const { otlpEndpoint: endpoint, metricsAddress } = config;
  if (endpoint !== undefined) stack.use(await startTracing({ service, endpoint }));
  const metrics =
    metricsAddress === undefined ? undefined : stack.use(await startMetrics(metricsAddress));
  const running = stack.move();
  return {
    meter: metrics?.meter ?? noMeter,
    ...(metrics === undefined ? {} : { metricsAddress: metrics.address }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
