import { fileURLToPath } from 'node:url';
import type { DeepStorage } from '@tessera/base';
import { badDeepStorage } from './errors.ts';
import { FileDeepStorage } from './files/file-deep-storage.ts';
import { WebHdfsDeepStorage } from './webhdfs/web-hdfs-deep-storage.ts';

/**
 * Deep storage by where it is: `file:///folder`, or `webhdfs://user@namenode:9870/folder` with several name nodes, separated by
 * commas, when they stand by for each other.
 * @throws BAD_DEEP_STORAGE; what opening a folder throws.
 */
export async function openDeepStorage(where: string): Promise<DeepStorage> {
  if (where.startsWith('file://')) return FileDeepStorage.open(folderOf(where));
  const found = /^webhdfs:\/\/([^/@]+)@([^/@]+)(\/[^?#]+)$/.exec(where);
  if (found === null) throw badDeepStorage(where);
  const [user, nodes, directory] = found.slice(1) as [string, string, string];
  const nameNodes = nodes.split(',').map((node) => `http://${node}`);
  if (!nameNodes.every((url) => URL.canParse(url))) throw badDeepStorage(where);
  return new WebHdfsDeepStorage({ nameNodes, directory, user });
}

function folderOf(where: string): string {
  try {
    return fileURLToPath(where);
  } catch {
    throw badDeepStorage(where);
  }
}
