import { randomUUID } from 'node:crypto';
import { directoryIdentity } from '@tessera/daemon';

/** Where the daemon remembers facts. */
export interface Facts {
  fact(name: string): string | undefined;
  saveFact(name: string, value: string): void;
}

/** Tells one machine and directory from every other: made when the directory is first used, and tied to the machine. */
export function machineIdOf(facts: Facts, machine?: string): string {
  let directoryId = facts.fact('directory-id');
  if (directoryId === undefined) {
    directoryId = randomUUID();
    facts.saveFact('directory-id', directoryId);
  }
  return directoryIdentity(directoryId, machine);
}
