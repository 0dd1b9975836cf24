import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSsb } from './generate.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Folder of the data of a scale factor; they are generated once and kept. */
export async function ssbDirectory(scaleFactor: number): Promise<string> {
  const directory = join(root, '.cache', 'ssb', `sf-${scaleFactor}`);
  const done = join(directory, 'complete');
  if (existsSync(done)) return directory;
  mkdirSync(directory, { recursive: true });
  const startedMs = performance.now();
  await generateSsb({ directory, scaleFactor });
  writeFileSync(done, '');
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`generated SSB at scale factor ${scaleFactor} in ${seconds} s`);
  return directory;
}
