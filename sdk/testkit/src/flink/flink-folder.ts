import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** That `scripts/install-test-deps.sh` installs. */
export const flinkVersion = '2.3.0';

/** That it installs too: the one that clusters are upgraded from. */
export const earlierFlinkVersion = '2.2.1';

/**
 * The folder with Flink's `lib`, `opt` and `plugins`, and a jar of streaming jobs in `examples`, as `scripts/install-test-deps.sh` installs them; `undefined` when they or Java are missing.
 */
export function flinkFolder(version = flinkVersion): string | undefined {
  const own = version === flinkVersion ? process.env['TESSERA_FLINK'] : undefined;
  const folder = own ?? join(homedir(), `.cache/tessera/flink-${version}`);
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const hasJava = paths.some((path) => existsSync(join(path, 'java')));
  return hasJava && existsSync(join(folder, 'installed')) ? folder : undefined;
}

/** The jar of the stream job in `test/flink-load-job`; `undefined` when `scripts/install-test-deps.sh` has not compiled it. */
export function loadJobJar(): string | undefined {
  const jar = join(homedir(), '.cache/tessera/load-job/load-job.jar');
  return existsSync(jar) ? jar : undefined;
}
