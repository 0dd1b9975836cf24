import { linkSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Replicas of each segment. */
export const replicas = 2;

/**
 * Gives each of some storage daemons, in folders that do not exist yet, the files of its segments of a stored cube: one
 * segment after the other goes to one daemon and those after it. Links instead of copies, as stored files never change.
 */
export function copySegments(
  from: { readonly directory: string; readonly cubePath: string },
  to: readonly string[],
): void {
  const cubeFolder = join(from.directory, from.cubePath);
  const segments = readdirSync(cubeFolder).sort();
  segments.forEach((segment, i) => {
    for (let replica = 0; replica < replicas; replica++) {
      const target = join(to[(i + replica) % to.length]!, from.cubePath, segment);
      linkAll(join(cubeFolder, segment), target);
    }
  });
}

function linkAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from)) linkSync(join(from, file), join(to, file));
}
