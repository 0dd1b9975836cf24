import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a daemon's process is given so that its wall clock is ahead of all others. */
export function clockSkew(aheadMs: number): Readonly<Record<string, string>> {
  const preload = pathToFileURL(join(import.meta.dirname, 'skewed-clock.ts'));
  return { NODE_OPTIONS: `--import=${preload}`, TESSERA_TEST_CLOCK_SKEW_MS: String(aheadMs) };
}
