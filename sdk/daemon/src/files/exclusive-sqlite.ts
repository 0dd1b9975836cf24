import { DatabaseSync } from 'node:sqlite';

/** SQLite's result codes that a caller tells apart (https://sqlite.org/rescode.html). */
export const sqliteCode = { busy: 5, locked: 6, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** SQLite's result code without its extension; undefined when the error is not SQLite's. */
export function sqliteCodeOf(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/**
 * Opens the file, or creates it, for this connection alone, without waiting for another. The lock is the operating
 * system's and stays until the connection is closed or the process ends, however that ends: a crash leaves nothing to clean up.
 * @throws what SQLite throws, `sqliteCode.busy` or `locked` when another has it; nothing is left open then
 */
export function openSqliteAlone(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive');
    // Takes the lock before anything else is read; exclusive mode keeps it beyond the transaction.
    database.exec('begin exclusive; commit');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
