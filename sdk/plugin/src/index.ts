/** The contracts that plugin authors implement: connector, engine, strategy. */
export type * from './connector.ts';
export {
  definePlugin,
  type Plugin,
  type PluginContext,
  type PluginKind,
  type PluginKinds,
  type PluginLogger,
  pluginApiVersion,
} from './define-plugin.ts';
export type * from './engine.ts';
export type * from './scaling-strategy.ts';
export type * from './scaling-veto.ts';
