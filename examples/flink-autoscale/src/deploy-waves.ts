import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFlink } from '@tessera/testkit/flink';
import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { say, show } from './terminal.ts';
import { waves } from './waves.ts';

const files = join(import.meta.dirname, '..');
/** From the submission of the job to the first record of its load. */
const leadMs = 10_000;

/** Brings up what `cluster.yaml` and `job.yaml` say, and gives when the load begins, milliseconds since 1970. @throws Error when Flink or the load job is not installed here */
export async function deployWaves(stage: FlinkStage, seconds: number): Promise<number> {
  say('\nPacking the Flink that is installed here …');
  const { tarball, sha512, loadJob } = await packFlink(join(stage.folder, 'flink.tar'));
  say('\n$ tessera flink fetch');
  const copies = ['--copies', String(stage.hostCount)];
  await show(stage.command('flink', 'fetch', '--tarball', tarball, '--sha512', sha512, ...copies));
  await up(stage, 'cluster.yaml', { state: stage.stateDirectory });
  const start = Date.now() + leadMs;
  await up(stage, 'job.yaml', { jar: loadJob, load: waves(seconds), start });
  return start;
}

async function up(
  stage: FlinkStage,
  file: string,
  values: Readonly<Record<string, string | number>>,
): Promise<void> {
  const filled = join(stage.folder, file);
  writeFileSync(filled, filledIn(readFileSync(join(files, file), 'utf8'), values));
  say(`\n$ tessera flink up ${file}`);
  await show(stage.command('flink', 'up', filled));
}

/** Each value in the place of its name in braces. */
function filledIn(text: string, values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values).reduce(
    (filled, [name, value]) => filled.replaceAll(`{${name}}`, String(value)),
    text,
  );
}
