import { createHash, randomUUID } from 'node:crypto';
import { readIfThere } from '../proc/process-identity.ts';

/** Where the daemon remembers facts. */
export interface Facts {
  fact(name: string): string | undefined;
  saveFact(name: string, value: string): void;
}

/**
 * Tells one machine and directory from every other: made when the directory is first used, and tied to the machine, so
 * that neither two directories of one machine nor a copy of a directory on another machine have the same.
 */
export function machineIdOf(
  facts: Facts,
  machine: string = readIfThere('/etc/machine-id')?.trim() ?? '',
): string {
  let directoryId = facts.fact('directory-id');
  if (directoryId === undefined) {
    directoryId = randomUUID();
    facts.saveFact('directory-id', directoryId);
  }
  const digest = createHash('sha256').update(`${directoryId}\0${machine}`).digest('hex');
  return digest.slice(0, 32);
}
