import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@tessera/base';
import { directoryLocked, directoryUnusable } from '../errors.ts';

/** SQLite's codes of a file that another connection, of this process or another, has locked. */
const lockedCodes: readonly unknown[] = [5, 6];

/**
 * Keeps a store's folder for one daemon: two that delete what they do not know would delete each other's files. The lock is
 * the operating system's, on a file that holds nothing (SQLite, as Node has no call for it), so it goes with the process, however that ends.
 * @throws STORAGE_DIRECTORY_LOCKED, STORAGE_DIRECTORY_UNUSABLE.
 */
export function lockDirectory(root: string): Disposable {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(root, { recursive: true });
    database = new DatabaseSync(join(root, 'lock.sqlite'), { timeout: 0 });
    database.exec('pragma locking_mode = exclusive');
    database.exec('begin exclusive; commit'); // Exclusive mode keeps the lock beyond the transaction.
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (error) {
    database?.close();
    const { errcode } = error as { readonly errcode?: number };
    if (errcode !== undefined && lockedCodes.includes(errcode & 0xff)) throw directoryLocked(root);
    throw directoryUnusable(root, messageOf(error));
  }
}
