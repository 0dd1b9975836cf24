/** tessera.query.v1: SQL from text to rows. */
export * from './gen/tessera/query/v1/explanation.ts';
export * from './gen/tessera/query/v1/query_service.ts';
