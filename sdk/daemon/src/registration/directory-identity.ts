import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * Tells a daemon's directory from every other: by the id that it was given when it was first used, and by the machine, so that
 * neither two directories of one machine nor a copy of a directory on another machine are the same.
 */
export function directoryIdentity(directoryId: string, machine: string = machineId()): string {
  const digest = createHash('sha256').update(`${directoryId}\0${machine}`).digest('hex');
  return digest.slice(0, 32);
}

/** Empty where the system keeps none. */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}
