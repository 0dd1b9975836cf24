/** Builds cuboids with DuckDB. */
export { engineConfig, plugin, plugin as default } from './plugin.ts';
