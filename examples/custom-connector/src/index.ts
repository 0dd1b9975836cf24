/** Reads LTSV files (labelled values, separated by tabs) as tables: a small connector, whole. */
export { LtsvConnector } from './ltsv-connector.ts';
export { plugin } from './plugin.ts';
