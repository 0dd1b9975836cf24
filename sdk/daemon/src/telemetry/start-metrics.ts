import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Meter as ApiMeter, ObservableResult } from '@opentelemetry/api';
import type { Labels, Meter, MetricDefinition, Reading } from '@tessera/telemetry';
import { metricsAddressInUse, plaintextTelemetryRefused } from './errors.ts';

export interface RunningMetrics extends AsyncDisposable {
  readonly meter: Meter;
  /** host:port with the real port; metrics are at `/metrics`. */
  readonly address: string;
}

/**
 * Serves what is counted in Prometheus' text format on `address` (port 0 picks a free one). Its packages are loaded only now.
 * @throws TELEMETRY_ADDRESS_REFUSED off loopback, METRICS_ADDRESS_IN_USE
 */
export async function startMetrics(address: string): Promise<RunningMetrics> {
  const [, host, port] = /^(127\.\d+\.\d+\.\d+|localhost):(\d+)$/.exec(address) ?? [];
  if (host === undefined) throw plaintextTelemetryRefused(address);
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus');
  const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const provider = new MeterProvider({ readers: [exporter] });
  const server = createServer((request, response) => {
    if (request.url === '/metrics') exporter.getMetricsRequestHandler(request, response);
    else response.writeHead(404).end();
  });
  await listen(server, host, Number(port), address);
  server.unref();
  return {
    meter: new OpenTelemetryMeter(provider.getMeter('tessera')),
    address: `${host}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await provider.shutdown();
    },
  };
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(metricsAddressInUse(address, cause)));
    server.listen(port, host, resolve);
  });
}

class OpenTelemetryMeter implements Meter {
  readonly #meter: ApiMeter;

  constructor(meter: ApiMeter) {
    this.#meter = meter;
  }

  counter(metric: MetricDefinition) {
    const counter = this.#meter.createCounter(metric.name, described(metric));
    return (amount: number, labels?: Labels) => counter.add(amount, labels);
  }

  histogram(metric: MetricDefinition) {
    const { buckets } = metric;
    const advice = buckets === undefined ? {} : { explicitBucketBoundaries: [...buckets] };
    const options = { ...described(metric), advice };
    const histogram = this.#meter.createHistogram(metric.name, options);
    return (value: number, labels?: Labels) => histogram.record(value, labels);
  }

  gauge(metric: MetricDefinition, read: () => readonly Reading[] | Promise<readonly Reading[]>) {
    const gauge = this.#meter.createObservableGauge(metric.name, described(metric));
    gauge.addCallback(async (result: ObservableResult) => {
      for (const { value, labels } of await read()) result.observe(value, labels);
    });
  }
}

function described({ help, unit }: MetricDefinition) {
  return { description: help, unit };
}
