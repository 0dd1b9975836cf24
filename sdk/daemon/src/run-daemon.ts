import { Code, isTesseraError, messageOf, TesseraError } from '@tessera/base';
import type { Meter } from '@tessera/telemetry';
import { accessArguments } from './access/access-arguments.ts';
import { endProcess } from './end-process.ts';
import { jsonLogger, type Logger } from './logger.ts';
import { startTelemetry, type TelemetryConfig } from './telemetry/start-telemetry.ts';
import { transportArguments } from './transport-arguments.ts';

/** What every daemon's own command takes of `node:util`'s parseArgs. */
export const daemonArguments = {
  ...transportArguments,
  ...accessArguments,
  /** How long calls may go on after the daemon was told to stop, seconds. */
  'drain-timeout': { type: 'string', default: '10' },
  /** Loopback address that metrics are served on for Prometheus. */
  metrics: { type: 'string' },
  /** Where spans go over OTLP/gRPC. */
  otlp: { type: 'string' },
} as const;

interface DaemonArguments {
  readonly 'drain-timeout'?: string | undefined;
  readonly metrics?: string | undefined;
  readonly otlp?: string | undefined;
}

export interface StartingDaemon {
  readonly drainTimeoutMs: number;
  readonly log: Logger;
  readonly meter: Meter;
  /** Everything that is to be disposed when the daemon is told to stop, the last one first. */
  readonly stack: AsyncDisposableStack;
}

/**
 * Runs a daemon as this process until SIGINT or SIGTERM, which count from the first moment on; a second one ends it
 * at once, and so does the time when stopping takes much longer than draining may. `start` gives what is logged when it
 * serves. A failure is printed as `REASON: message` and exits with 1.
 */
export async function runDaemon(
  name: string,
  values: DaemonArguments,
  start: (daemon: StartingDaemon) => Promise<Readonly<Record<string, unknown>>>,
): Promise<never> {
  const stopped = stopRequested();
  try {
    const log = jsonLogger(name);
    const drainTimeoutMs = drainTimeoutOf(values);
    await using stack = new AsyncDisposableStack();
    const { meter, metricsAddress } = stack.use(await startTelemetry(telemetryOf(values), name));
    const facts = await start({ log, meter, stack, drainTimeoutMs });
    log.info({ ...facts, ...(metricsAddress && { metricsAddress }) }, `${name}.started`);
    await stopped;
    log.info({}, `${name}.stopping`);
    endLate(drainTimeoutMs);
  } catch (error) {
    console.error(`${isTesseraError(error) ? error.reason : 'INTERNAL'}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
  // All that matters is closed: a socket of a peer that never said a word is no reason to stay.
  endProcess();
}

/**
 * Resolves when the process is asked to end; asked again, it ends at once, as by SIGKILL. Signals that come before
 * this is called end it as the system does.
 */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    let askedMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        const nowMs = performance.now();
        if (askedMs !== undefined && nowMs - askedMs > echoMs) endNow();
        askedMs ??= nowMs;
        resolve();
      });
    }
  });
}

/** A Ctrl-C comes twice where the launcher, whom the terminal told too, passes it on: that is one. */
const echoMs = 500;

/** What comes after draining (letting go of leases, closing files) takes no longer, or hangs. */
const closingMs = 20_000;

/** Ends the process when stopping hangs. Whatever is durable was so before it was acknowledged. */
export function endLate(drainTimeoutMs: number): void {
  setTimeout(endNow, drainTimeoutMs + closingMs).unref();
}

/** Not by exiting: that waits for threads, and one of them may be what does not come to its end. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

function drainTimeoutOf(values: DaemonArguments): number {
  const text = values['drain-timeout'] ?? '10';
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= maxDrainSeconds) return seconds * 1_000;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_DRAIN_TIMEOUT',
    message: `--drain-timeout is ${JSON.stringify(text)}: give seconds from 0 to ${maxDrainSeconds}.`,
    metadata: { text },
  });
}

const maxDrainSeconds = 3_600;

function telemetryOf({ metrics, otlp }: DaemonArguments): TelemetryConfig {
  return {
    ...(otlp === undefined ? {} : { otlpEndpoint: otlp }),
    ...(metrics === undefined ? {} : { metricsAddress: metrics }),
  };
}
