import v8 from 'node:v8';
import { loadParser } from '@tessera/sql';

/**
 * Loads the SQL parser into a daemon, and leaves it as V8's first compiler made it: the optimizing one takes 550 MB
 * for PostgreSQL's grammar, for a parse that is no faster by what can be measured. The setting is one of the process.
 */
export async function loadSqlParser(): Promise<void> {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering'])
    v8.setFlagsFromString(flag);
  await loadParser();
}
