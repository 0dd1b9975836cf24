import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, invariant, systemClock } from '@tessera/base';
import type { Transport } from '@tessera/client';
import {
  type Logger,
  loadSqlParser,
  PluginHost,
  type ServiceBinding,
  SourceRegistry,
} from '@tessera/daemon';
import type { Engine } from '@tessera/plugin';
import { type Meter, noMeter } from '@tessera/telemetry';
import { assembleScheduler, type SchedulerParts } from './assembly.ts';
import type { SchedulerClients } from './clients.ts';
import type { SchedulerConfig } from './config.ts';

export interface SchedulerDependencies {
  readonly clients: SchedulerClients;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly meter?: Meter;
  /** How connections to host and storage daemons are protected. */
  readonly transport?: Transport;
  /** A JobManager's REST interface at a URL. Absent: over HTTP. */
  readonly connectFlink?: SchedulerParts['connectFlink'];
}

/** A scheduler that waits for `start`; `services` answer at once. */
export interface Scheduler extends AsyncDisposable {
  readonly services: readonly ServiceBinding[];
  start(): void;
}

/** Everything the scheduler daemon is made of. */
export async function composeScheduler(
  config: SchedulerConfig,
  deps: SchedulerDependencies,
): Promise<Scheduler> {
  invariant(config.leaseTtlMs >= 1_000, 'leaseTtlMs is a second or more: metadata grants no less');
  invariant(
    Number.isInteger(config.replication) && config.replication > 0,
    'replication is a whole number from 1',
  );
  await loadSqlParser();
  const { clients, log, clock = systemClock, meter = noMeter, transport = {} } = deps;
  const { connectFlink } = deps;
  const stopping = new AbortController();
  const fallback =
    config.pluginDirectory === undefined ? {} : { fallbackDirectory: config.pluginDirectory };
  const registry = new SourceRegistry({ log, workDirectory: config.workDirectory, ...fallback });
  const plugins = new PluginHost({ log, workDirectory: config.workDirectory, ...fallback });
  const assembled = assembleScheduler({
    clients,
    registry,
    engine: engineOf(plugins, config),
    config,
    clock,
    log,
    holder: `scheduler-${process.pid}-${randomUUID()}`,
    newId: randomUUID,
    hostname: hostname(),
    connections: { transport },
    ...(connectFlink !== undefined && { connectFlink }),
    meter,
  });
  let running: Promise<void> = Promise.resolve();
  return {
    services: assembled.services,
    start: () => {
      running = assembled.run(stopping.signal);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running;
      await registry[Symbol.asyncDispose]();
      await plugins[Symbol.asyncDispose]();
    },
  };
}

/** Loads the engine when it is first needed; after a failure whoever asks next tries again. */
function engineOf(plugins: PluginHost, config: SchedulerConfig): () => Promise<Engine> {
  let engine: Promise<Engine> | undefined;
  const load = (): Promise<Engine> =>
    plugins.load({
      kind: 'engine',
      name: 'engine',
      baseDirectory: process.cwd(),
      ...config.engine,
    });
  return () => {
    engine ??= load().catch((error) => {
      engine = undefined;
      throw error;
    });
    return engine;
  };
}
