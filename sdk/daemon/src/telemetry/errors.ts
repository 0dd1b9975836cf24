import { Code, TesseraError } from '@tessera/base';

/** Spans and metrics leave a host only encrypted. */
export function plaintextTelemetryRefused(address: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TELEMETRY_ADDRESS_REFUSED',
    message: `Telemetry cannot use ${address}: spans go to https://host:port, or to http:// on a loopback address; metrics are served on a loopback address such as 127.0.0.1:9464.`,
    metadata: { address },
  });
}

/** The process has one tracer provider, and somebody registered it before. */
export function tracingStarted(): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'TRACING_STARTED',
    message:
      'This process traces already, by a provider that somebody registered: start the platform without an OTLP endpoint, its spans go to that provider.',
  });
}

export function metricsAddressInUse(address: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'METRICS_ADDRESS_IN_USE',
    message: `Cannot serve metrics on ${address}: does another process listen there? Choose another port.`,
    metadata: { address },
    cause,
  });
}
