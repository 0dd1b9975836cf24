import { activeTrace } from '@tessera/telemetry';
import { type DestinationStream, pino } from 'pino';

/** Structured log events: fields first, then the event's name. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, event: string): void;
  info(fields: Readonly<Record<string, unknown>>, event: string): void;
  warn(fields: Readonly<Record<string, unknown>>, event: string): void;
  error(fields: Readonly<Record<string, unknown>>, event: string): void;
  /** A logger whose every event carries `fields` too. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * JSON lines on standard error, so that standard output stays the program's own. Inside a trace each carries its
 * `trace_id` and `span_id`.
 */
export function jsonLogger(
  daemon: string,
  level: LogLevel = 'info',
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  const mixin = () => activeTrace() ?? {};
  return pino({ level, base: { daemon }, mixin }, destination);
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
