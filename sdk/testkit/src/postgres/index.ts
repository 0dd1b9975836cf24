/** A real PostgreSQL as the oracle of SQL semantics. */
export { type Postgres, type PostgresResult, postgresPrograms, startPostgres } from './postgres.ts';
