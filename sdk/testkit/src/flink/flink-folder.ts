import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** That `scripts/install-test-deps.sh` installs. */
export const flinkVersion = '2.3.0';

/**
 * The folder with Flink's `lib`, `opt` and `plugins`, and a jar of streaming jobs in `examples`, as `scripts/install-test-deps.sh` installs them; `undefined` when they or Java are missing.
 */
export function flinkFolder(): string | undefined {
  const folder =
    process.env['TESSERA_FLINK'] ?? join(homedir(), `.cache/tessera/flink-${flinkVersion}`);
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const hasJava = paths.some((path) => existsSync(join(path, 'java')));
  return hasJava && existsSync(join(folder, 'installed')) ? folder : undefined;
}
