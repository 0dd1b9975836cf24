import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { orDiskFull } from '@tessera/daemon';
import { workingDirectoryMissing } from '../errors.ts';
import { markName } from '../proc/members.ts';
import { findExecutable } from './executable.ts';
import { type LimitTools, limitedArgv } from './limits.ts';
import { markOf, type ProcessRecord } from './process-record.ts';
import type { RunPlan } from './run-plan.ts';
import type { WorkFiles, WorkFolder } from './work-files.ts';

export interface RunSurroundings {
  /** Folder of everything that belongs to processes. */
  readonly folder: string;
  readonly workFiles: WorkFiles;
  readonly tools: LimitTools;
  /** Where it is written down until when the host is in touch. */
  readonly contactFile: string;
  /** Of the daemon. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a process gets of the daemon's environment. */
const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where one process has what. */
export function foldersOf(folder: string, id: string) {
  const own = join(folder, id);
  return {
    ...{ own, work: join(own, 'work'), logs: join(own, 'logs'), runs: join(own, 'runs') },
    manifest: join(own, 'placed.json'),
  };
}

/** Where a process runs, and where it is written down what was put there for it. */
export function workFolderOf(
  folder: string,
  { id, spec }: Pick<ProcessRecord, 'id' | 'spec'>,
): WorkFolder {
  const { work, manifest } = foldersOf(folder, id);
  return { work: spec.workingDirectory ?? work, manifest };
}

export function logsOf(folder: string, id: string) {
  const { logs } = foldersOf(folder, id);
  return { output: join(logs, 'output.log'), error: join(logs, 'error.log') };
}

/**
 * Makes everything ready that a run needs, and says how it is started. May be repeated.
 * @throws WORKING_DIRECTORY_MISSING, EXECUTABLE_NOT_FOUND, LIMITS_UNSUPPORTED, DISK_FULL, and what putting its files there throws.
 */
export async function prepareRun(
  record: ProcessRecord,
  { folder, workFiles, tools, contactFile, environment: daemons }: RunSurroundings,
): Promise<RunPlan> {
  const { id, spec } = record;
  const folders = foldersOf(folder, id);
  const workingDirectory = spec.workingDirectory ?? folders.work;
  await orDiskFull(folders.own, async () => {
    await mkdir(folders.logs, { recursive: true });
    if (spec.workingDirectory === undefined) await mkdir(workingDirectory, { recursive: true });
  });
  const isThere = statSync(workingDirectory, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isThere) throw workingDirectoryMissing(workingDirectory);
  await workFiles.place(spec, workFolderOf(folder, record));
  const own = inherited.flatMap((name) => (daemons[name] ? [[name, daemons[name]]] : []));
  const given = { PATH: defaultPath, ...Object.fromEntries(own), ...spec.environment };
  const program = findExecutable(spec.argv[0]!, { path: given.PATH, folder: workingDirectory });
  const logs = logsOf(folder, id);
  return {
    argv: limitedArgv([program, ...spec.argv.slice(1)], spec.limits, tools),
    environment: { ...given, [markName]: markOf(record) },
    workingDirectory,
    outputLog: logs.output,
    errorLog: logs.error,
    rotation: spec.rotation,
    ...(spec.endWhenCutOff && { contactFile }),
  };
}
