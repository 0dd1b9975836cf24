import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { executableNotFound } from '../errors.ts';

/**
 * The file that a program's name means: a path when it has a `/`, else the first one of that name in PATH.
 * @throws EXECUTABLE_NOT_FOUND.
 */
export function findExecutable(program: string, from: { path: string; folder: string }): string {
  const found = program.includes('/')
    ? [resolve(from.folder, program)]
    : from.path
        .split(':')
        .filter(isAbsolute)
        .map((folder) => join(folder, program));
  const file = found.find(isExecutable);
  if (file === undefined) throw executableNotFound(program, from.path);
  return file;
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
