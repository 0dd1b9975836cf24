import type { Dirent } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobJournal, ObservedJobManager } from '@tessera/flink';
import { neverRan } from './observe-job.ts';
import { folderOf, unlessMissing, withoutSlash } from './state-directory.ts';

/**
 * The archive of ended jobs in the state directory of a cluster, where a JobManager writes down what has become of each of them: it forgets that after an hour, and whoever comes after it never knew. Without it a job
 * whose end nobody has seen would be run once more.
 */

type EndState = 'FINISHED' | 'FAILED' | 'CANCELED';

/** What a JobManager knows, with the end of the present attempt where only the archive knows that; `unknown` when the archive cannot be read. */
export async function withArchivedEnd(
  jobManager: ObservedJobManager,
  { phase, deployed }: JobJournal,
  stateDirectory: string | undefined,
  readEnd: typeof archivedEnd = archivedEnd,
): Promise<ObservedJobManager | 'unknown'> {
  if (deployed === undefined || jobManager.jobs.has(deployed.jobId)) return jobManager;
  if (phase.kind === 'stopped' || phase.kind === 'finished') return jobManager;
  if (stateDirectory === undefined) return 'unknown';
  const state = await readEnd(stateDirectory, deployed.jobId);
  if (state === undefined) return jobManager;
  if (state === 'unknown') return 'unknown';
  const run = [deployed.jobId, { ...neverRan, state }] as const;
  return { ...jobManager, jobs: new Map([...jobManager.jobs, run]) };
}

/** How an attempt has ended; `undefined`: the archive has nothing about it. */
export async function archivedEnd(
  stateDirectory: string,
  jobId: string,
): Promise<EndState | undefined | 'unknown'> {
  try {
    const root = folderOf(stateDirectory);
    if (root === undefined) return 'unknown';
    await readdir(root);
    const archive = archiveOf(stateDirectory)!;
    for (const path of await pathsOf(archive, jobId)) {
      const text = await readFile(path, 'utf8').catch(unlessMissing(''));
      const state = endIn(text, jobId);
      if (state !== undefined) return state;
    }
    return undefined;
  } catch {
    return 'unknown';
  }
}

/**
 * Deletes how these attempts have ended, with the applications of Flink that no other job was of.
 * @throws of the file system
 */
export async function deleteEnds(
  stateDirectory: string,
  jobIds: ReadonlySet<string>,
): Promise<void> {
  const archive = archiveOf(stateDirectory);
  if (archive === undefined) return;
  for (const jobId of jobIds) await rm(join(archive, jobId), { force: true });
  for (const application of await applicationsIn(archive)) {
    const jobs = await readdir(join(application, 'jobs')).catch(unlessMissing<string[]>([]));
    const unasked = jobs.filter((jobId) => jobIds.has(jobId));
    const isDone = unasked.length > 0 && unasked.length === jobs.length;
    const paths = unasked.map((jobId) => join(application, 'jobs', jobId));
    for (const path of isDone ? [application] : paths) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

function archiveOf(stateDirectory: string): string | undefined {
  return folderOf(`${withoutSlash(stateDirectory)}/ended-jobs`);
}

/** Where it may be: since Flink 2.3 below its application, which has an id of its own. */
async function pathsOf(archive: string, jobId: string): Promise<string[]> {
  const applications = await applicationsIn(archive);
  return [join(archive, jobId), ...applications.map((folder) => join(folder, 'jobs', jobId))];
}

async function applicationsIn(archive: string): Promise<string[]> {
  const clusters = (await foldersIn(archive)).map((cluster) => join(cluster, 'applications'));
  return (await Promise.all(clusters.map(foldersIn))).flat();
}

/** None in one that is not there. */
async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unlessMissing<Dirent[]>([]));
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

/** The answers of the REST interface as they would be, as JSON in JSON. A file that its writer did not come to the end of says nothing. */
function endIn(text: string, jobId: string): EndState | undefined {
  const answer = archived(text)?.find(({ path }) => path === `/jobs/${jobId}`)?.json;
  if (answer === undefined) return undefined;
  const { state } = JSON.parse(answer) as { readonly state: string };
  return isEnd(state) ? state : undefined;
}

interface Archived {
  readonly path: string;
  readonly json: string;
}

function archived(text: string): readonly Archived[] | undefined {
  try {
    return (JSON.parse(text) as { readonly archive: readonly Archived[] }).archive;
  } catch {
    return undefined;
  }
}

function isEnd(state: string): state is EndState {
  return state === 'FINISHED' || state === 'FAILED' || state === 'CANCELED';
}
