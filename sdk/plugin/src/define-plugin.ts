import type { z } from 'zod';
import type { Connector } from './connector.ts';
import type { Engine } from './engine.ts';
import type { ScalingStrategy } from './scaling-strategy.ts';
import type { ScalingVeto } from './scaling-veto.ts';

/** The version of these contracts. A plugin names the one it was written for in its manifest. */
export const pluginApiVersion = 1;

export interface PluginKinds {
  readonly connector: Connector;
  readonly engine: Engine;
  readonly strategy: ScalingStrategy<unknown>;
  readonly veto: ScalingVeto;
}
export type PluginKind = keyof PluginKinds;

/** What the host hands to a plugin: its own parsed configuration, logger and folder, nothing else. */
export interface PluginContext<Config> {
  readonly config: Config;
  readonly name: string;
  readonly log: PluginLogger;
  /** Folder of the configuration that named the plugin: relative paths start here. */
  readonly baseDirectory: string;
  /** A folder of its own for temporary files, emptied when the host starts. */
  readonly workDirectory: string;
}

export interface PluginLogger {
  info(fields: Readonly<Record<string, unknown>>, event: string): void;
  warn(fields: Readonly<Record<string, unknown>>, event: string): void;
  error(fields: Readonly<Record<string, unknown>>, event: string): void;
}

/**
 * A plugin is one exported value. What `create` returns may be `Disposable` or `AsyncDisposable`; it is
 * then disposed with the host, in reverse order of loading.
 */
export interface Plugin<
  Kind extends PluginKind = PluginKind,
  Config extends z.ZodType = z.ZodType,
> {
  readonly kind: Kind;
  readonly name: string;
  readonly apiVersion: number;
  readonly config: Config;
  create(context: PluginContext<z.infer<Config>>): PluginKinds[Kind] | Promise<PluginKinds[Kind]>;
}

export function definePlugin<Kind extends PluginKind, Config extends z.ZodType>(
  plugin: Plugin<Kind, Config>,
): Plugin<Kind, Config> {
  return plugin;
}
