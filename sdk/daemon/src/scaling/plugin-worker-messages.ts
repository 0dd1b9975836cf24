import type { LogLevel } from '../logger.ts';
import type { PluginEntry } from '../plugin-host.ts';

/** What the worker is started with. */
export interface PluginWorkerSettings {
  readonly entry: PluginEntry<'strategy' | 'veto'>;
  readonly workDirectory: string;
  readonly logLevel: LogLevel;
  /** Where a package is looked up when the entry's own folder does not have it. */
  readonly fallbackDirectory?: string;
}

/** What was loaded. */
export interface PluginDescription {
  /** Of its package. */
  readonly version: string;
  /** Its configuration as JSON, defaults filled in. */
  readonly options: string;
}

/** What it is told to call; what it had learned is JSON, as it is stored. */
export type PluginCall =
  | { readonly method: 'decide'; readonly input: unknown; readonly learned: string | undefined }
  | { readonly method: 'review'; readonly proposal: unknown };

/** Each call gets one answer; before the first, the worker says that it is ready, or why it is not. */
export type PluginReply =
  | ({ readonly kind: 'ready' } & PluginDescription)
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly message: string };
