import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listAll, type TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { hostsOf } from './daemon-commands.ts';
import type { TestCluster } from './test-cluster.ts';

/** Gives every storage daemon the files that queries may read: each is taken from wherever it is whole. */
export async function copyReplicas(cluster: TestCluster, client: TesseraClient): Promise<void> {
  const folders = hostsOf.storage.map((host) => cluster.disk('storage', host).folder);
  for (const { file, fileDigest } of await filesOf(client)) {
    const lacking = folders.filter((folder) => !existsSync(join(folder, file)));
    const source = folders.find((folder) => isWhole(join(folder, file), fileDigest));
    if (source === undefined) continue;
    for (const folder of lacking) copyInto(folder, file, join(source, file));
  }
}

async function filesOf(client: TesseraClient) {
  const parent = 'projects/-';
  const segments = await listAll(client, 'segments', { parent: 'projects/-/cubes/-' });
  const snapshots = await listAll(client, 'snapshots', { parent });
  const ready = segments.resources.filter(
    ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
  );
  const files = [...ready.flatMap(({ layouts }) => layouts), ...snapshots.resources];
  return files.filter(({ file }) => file !== '');
}

function isWhole(path: string, digest: string): boolean {
  if (!existsSync(path)) return false;
  return createHash('sha256').update(readFileSync(path)).digest('hex') === digest;
}

function copyInto(folder: string, file: string, from: string): void {
  const target = join(folder, file);
  try {
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(from, `${target}.copied`);
    renameSync(`${target}.copied`, target);
  } catch (error) {
    // The disk is full at the moment, or the file was deleted meanwhile: the next turn sees.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'ENOENT') throw error;
  }
}
