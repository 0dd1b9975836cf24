import type { DatabaseSync } from 'node:sqlite';
import { isTesseraError, messageOf } from '@tessera/base';
import { openSqliteAlone, sqliteCode, sqliteCodeOf } from '@tessera/daemon';
import {
  storeCorrupt,
  storeLocked,
  storeNewer,
  storeUnreadable,
  storeWriteFailed,
} from '../errors.ts';
import { formatVersion, SqliteHistory, schema } from './sqlite-history.ts';

/**
 * Opens the file, or creates it, for this process alone.
 * @throws STORE_LOCKED | STORE_NEWER | STORE_CORRUPT | STORE_UNREADABLE | STORE_WRITE_FAILED.
 */
export function openSqliteFile(file: string): { database: DatabaseSync; history: SqliteHistory } {
  let database: DatabaseSync | undefined;
  try {
    database = openSqliteAlone(file);
    checkIntegrity(database, file);
    database.exec('pragma journal_mode = wal; pragma synchronous = full;');
    database.exec(`begin immediate; ${schema} pragma user_version = ${formatVersion}; commit`);
    return { database, history: new SqliteHistory(database) };
  } catch (error) {
    database?.close();
    throw asOpenFailure(file, error);
  }
}

/** Pages, indexes and our own order: no version is newer than the revision that was committed. */
function checkIntegrity(database: DatabaseSync, file: string): void {
  const report = database.prepare('pragma integrity_check(3)').all();
  const lines = report.map((row) => String(row['integrity_check']));
  if (lines.join() !== 'ok') throw storeCorrupt(file, lines.join('; '));
  const version = Number(database.prepare('pragma user_version').get()?.['user_version']);
  if (version === 0) return;
  if (version > formatVersion) throw storeNewer(file, version, formatVersion);
  if (version !== formatVersion) {
    throw storeCorrupt(file, `its format is ${version}, this program knows ${formatVersion}`);
  }
  const ahead = database
    .prepare(
      "select 1 from versions where mod_revision > (select value from counters where name = 'revision') limit 1",
    )
    .get();
  if (ahead !== undefined) throw storeCorrupt(file, 'a key is newer than the newest revision');
}

function asOpenFailure(file: string, error: unknown): unknown {
  if (isTesseraError(error)) return error;
  switch (sqliteCodeOf(error)) {
    case sqliteCode.busy:
    case sqliteCode.locked:
      return storeLocked(file);
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return storeCorrupt(file, messageOf(error));
    case sqliteCode.full:
      return storeWriteFailed(file, error);
    default:
      return storeUnreadable(file, error);
  }
}

/** Of a failed write: damage is told apart from a disk that is full or broken. */
export function asWriteFailure(file: string, error: unknown): unknown {
  const code = sqliteCodeOf(error);
  const damaged = code === sqliteCode.corrupt || code === sqliteCode.notADatabase;
  return damaged ? storeCorrupt(file, messageOf(error)) : storeWriteFailed(file, error);
}
