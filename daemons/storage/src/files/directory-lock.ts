import { join } from 'node:path';
import { messageOf } from '@tessera/base';
import { makeFolder, openSqliteAlone, sqliteCode, sqliteCodeOf } from '@tessera/daemon';
import { directoryLocked, directoryUnusable } from '../errors.ts';

/**
 * Keeps a store's folder for one daemon: two that delete what they do not know would delete each other's files. The lock is
 * on a file that holds nothing (SQLite's, as Node has no call for one), so it goes with the process, however that ends.
 * @throws STORAGE_DIRECTORY_LOCKED, STORAGE_DIRECTORY_UNUSABLE.
 */
export async function lockDirectory(root: string): Promise<Disposable> {
  try {
    await makeFolder(root);
    const database = openSqliteAlone(join(root, 'lock.sqlite'));
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    const code = sqliteCodeOf(error);
    const isLocked = code === sqliteCode.busy || code === sqliteCode.locked;
    throw isLocked ? directoryLocked(root) : directoryUnusable(root, messageOf(error));
  }
}
