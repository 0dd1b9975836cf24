import { isTesseraError, messageOf } from '@tessera/base';
import type { Meter } from '@tessera/telemetry';
import { accessArguments } from './access/access-arguments.ts';
import { jsonLogger, type Logger } from './logger.ts';
import { startTelemetry, type TelemetryConfig } from './telemetry/start-telemetry.ts';
import { transportArguments } from './transport-arguments.ts';

/** What every daemon's own command takes of `node:util`'s parseArgs. */
export const daemonArguments = {
  ...transportArguments,
  ...accessArguments,
  /** Loopback address that metrics are served on for Prometheus. */
  metrics: { type: 'string' },
  /** Where spans go over OTLP/gRPC. */
  otlp: { type: 'string' },
} as const;

interface DaemonArguments {
  readonly metrics?: string | undefined;
  readonly otlp?: string | undefined;
}

export interface StartingDaemon {
  readonly log: Logger;
  readonly meter: Meter;
  /** Everything that is to be disposed when the daemon is told to stop, the last one first. */
  readonly stack: AsyncDisposableStack;
}

/**
 * Runs a daemon as this process until SIGINT or SIGTERM, which count from the first moment on; a second one ends it
 * at once. `start` gives what is logged when it serves. A failure is printed as `REASON: message` and exits with 1.
 */
export async function runDaemon(
  name: string,
  values: DaemonArguments,
  start: (daemon: StartingDaemon) => Promise<Readonly<Record<string, unknown>>>,
): Promise<never> {
  const stopped = stopRequested();
  try {
    const log = jsonLogger(name);
    await using stack = new AsyncDisposableStack();
    const { meter, metricsAddress } = stack.use(await startTelemetry(telemetryOf(values), name));
    const facts = await start({ log, meter, stack });
    log.info({ ...facts, ...(metricsAddress && { metricsAddress }) }, `${name}.started`);
    await stopped;
    log.info({}, `${name}.stopping`);
  } catch (error) {
    console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
  // All that matters is closed: a socket of a peer that never said a word is no reason to stay.
  process.exit();
}

/** Resolves when the process is asked to end. Signals that come before this is called end it as the system does. */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function telemetryOf({ metrics, otlp }: DaemonArguments): TelemetryConfig {
  return {
    ...(otlp === undefined ? {} : { otlpEndpoint: otlp }),
    ...(metrics === undefined ? {} : { metricsAddress: metrics }),
  };
}
