import { isTesseraError } from '@tessera/base';
import { layoutCorrupted } from '../errors.ts';
import type { FileStore } from './file-store.ts';

/**
 * What a failed read of files comes to: LAYOUT_CORRUPTED for the first that does not match its digest any more, which
 * is set aside; else the failure itself.
 */
export async function setAsideDamaged(
  store: FileStore,
  files: readonly string[],
  failure: unknown,
): Promise<unknown> {
  if (!isTesseraError(failure, 'FILE_CORRUPT') && !isTesseraError(failure, 'FILE_MISSING')) {
    return failure;
  }
  for (const file of files) {
    const { quarantinedFiles } = await store.verify([file]);
    if (quarantinedFiles.length > 0) return layoutCorrupted(file, 'found while reading');
  }
  return failure;
}
