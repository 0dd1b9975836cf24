/** The query daemon: one SQL statement from text to rows. */
export { composeQuery, type QueryDaemon, type QueryDeps } from './composition.ts';
export { type QueryConfig, queryDefaults } from './config.ts';
export type { Answer, QueryRequest } from './execute/query-runner.ts';
