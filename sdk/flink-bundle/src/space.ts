import { statfs } from 'node:fs/promises';
import { noSpace } from './errors.ts';

/** @throws FLINK_BUNDLE_NO_SPACE when a folder's disk has fewer bytes free */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes) throw noSpace(folder);
}

export function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** @throws FLINK_BUNDLE_NO_SPACE when the action fails because the folder's disk is full; else what the action throws */
export async function orNoSpace<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw isNoSpace(error) ? noSpace(folder, error) : error;
  }
}
