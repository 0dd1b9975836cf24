import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import { flinkFolder, loadJobJar } from './flink-folder.ts';

export interface FlinkFiles {
  /** As Flink publishes it, but not compressed. */
  readonly tarball: string;
  readonly sha512: string;
  readonly loadJob: string;
}

/** What `scripts/install-test-deps.sh` has installed. @throws Error when it is not there */
export function installedFlink(): { readonly folder: string; readonly loadJob: string } {
  const [folder, loadJob] = [flinkFolder(), loadJobJar()];
  if (folder !== undefined && loadJob !== undefined) return { folder, loadJob };
  throw new Error(
    'Flink, Java or the load job is not installed here; run scripts/install-test-deps.sh',
  );
}

/** What is installed, the libraries packed as a distribution is. @throws what `installedFlink` does */
export async function packFlink(tarball: string): Promise<FlinkFiles> {
  const { folder, loadJob } = installedFlink();
  const inside = ['--transform', 's,^,flink/,', '-C', folder, 'lib', 'opt', 'plugins'];
  await promisify(execFile)('tar', ['-cf', tarball, ...inside]);
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(tarball)) hash.update(chunk);
  return { tarball, sha512: hash.digest('hex'), loadJob };
}
