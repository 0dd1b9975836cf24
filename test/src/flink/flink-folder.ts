import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A folder with Flink's `lib`, `opt` and `plugins`, and a jar of streaming jobs in `examples`: `$TESSERA_FLINK`, or that of the tests' dependencies; `undefined` when it or Java is missing. */
export function flinkFolder(): string | undefined {
  const folder = process.env['TESSERA_FLINK'] ?? join(homedir(), '.cache/tessera/flink-2.3.0');
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const hasJava = paths.some((path) => existsSync(join(path, 'java')));
  return hasJava && existsSync(join(folder, 'installed')) ? folder : undefined;
}
