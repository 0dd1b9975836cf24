import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObservedJob, StatePoint } from '@tessera/flink';

/**
 * The state directory of a cluster, read by the scheduler itself: what a job can go on from is what is there, whatever a JobManager says or has forgotten. Only a directory of a file system that the scheduler sees can
 * be read.
 */

/** Where Flink puts the savepoint of an attempt: each attempt has a folder of its own. */
export function savepointFolder(stateDirectory: string, jobId: string): string {
  return `${withoutSlash(stateDirectory)}/savepoints/${jobId}`;
}

/** Where Flink puts savepoints of an attempt that somebody has asked for: what a job goes on from is not looked for here, since they may be deleted by whoever asked. */
export function requestedSavepointFolder(stateDirectory: string, jobId: string): string {
  return `${withoutSlash(stateDirectory)}/requested-savepoints/${jobId}`;
}

/** The newest complete checkpoint or savepoint of an attempt. */
export async function newestState(
  stateDirectory: string,
  jobId: string,
): Promise<ObservedJob['newestState']> {
  try {
    const root = folderOf(stateDirectory);
    if (root === undefined) return 'unknown';
    await readdir(root);
    const checkpoints = `${withoutSlash(stateDirectory)}/checkpoints/${jobId}`;
    const found = [
      ...(await statePoints(checkpoints, 'checkpoint')),
      ...(await statePoints(savepointFolder(stateDirectory, jobId), 'savepoint')),
    ];
    return found.sort((a, b) => b.id - a.id)[0] ?? 'none';
  } catch {
    return 'unknown';
  }
}

/** The folder that a URI names, if it is one of a file system. */
export function folderOf(uri: string): string | undefined {
  return URL.canParse(uri) && new URL(uri).protocol === 'file:' ? fileURLToPath(uri) : undefined;
}

export function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '');
}

/** Those in a folder; one that is not there holds none. */
async function statePoints(uri: string, kind: StatePoint['kind']): Promise<StatePoint[]> {
  const folder = folderOf(uri)!;
  const names = await readdir(folder).catch(unlessMissing<string[]>([]));
  const found = names
    .filter((name) => name.startsWith(kind === 'checkpoint' ? 'chk-' : 'savepoint-'))
    .map(async (name): Promise<StatePoint[]> => {
      const id = await checkpointIdOf(join(folder, name, '_metadata'));
      return id === undefined ? [] : [{ kind, path: `${uri}/${name}`, id }];
    });
  return (await Promise.all(found)).flat();
}

/** What a metadata file of Flink begins with. */
const magic = 0x4960672d;
/** Magic number, version of the format, id of the checkpoint. */
const headBytes = 16;

/**
 * The id in a `_metadata` file, which Flink puts there when all else is written; `undefined`: it is not there, so that the checkpoint is not complete.
 * @throws when it cannot be read, or is no such file: then nothing is known
 */
async function checkpointIdOf(path: string): Promise<number | undefined> {
  const file = await open(path).catch(unlessMissing(undefined));
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    if (bytesRead < headBytes || buffer.readInt32BE(0) !== magic) {
      throw new Error(`${path} is no metadata of a checkpoint`);
    }
    return Number(buffer.readBigInt64BE(8));
  } finally {
    await file.close();
  }
}

/** Of an error of the file system: what stands for a file or folder that is not there. */
export function unlessMissing<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return nothing;
    throw error;
  };
}
