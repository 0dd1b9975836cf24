import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownVersion } from './known-versions.ts';
import { runTool } from './run-tool.ts';

/** Quietly, without colours, and with checksums that count. */
const mvn = ['mvn', '-q', '-B', '-ntp', '-C', '-Dstyle.color=never'] as const;

/**
 * Fetches the packages of a version with `pip` and `mvn` into `lib`, `opt` and `plugins` of a folder. What they are has still to be compared.
 * @throws FLINK_TOOL_MISSING, FLINK_FETCH_FAILED, FLINK_BUNDLE_NO_SPACE
 */
export async function fetchPackages(
  { version, packages }: KnownVersion,
  {
    folder,
    onStep,
    signal,
  }: {
    readonly folder: string;
    readonly onStep: (step: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const run = { temporary, signal };
  const environment = join(folder, 'python');
  const python = join(environment, 'bin', 'python');
  const pip = [python, '-m', 'pip', 'install', '-q', '--disable-pip-version-check'] as const;
  onStep(`fetching apache-flink-libraries ${version} with pip`);
  await runTool(['python3', '-m', 'venv', environment], run);
  await runTool([...pip, 'setuptools', 'wheel'], run);
  const target = join(folder, 'packages');
  const libraries = `apache-flink-libraries==${version}`;
  await runTool([...pip, '--no-deps', '--no-build-isolation', '--target', target, libraries], run);
  for (const name of ['lib', 'opt', 'plugins']) {
    await rename(join(target, 'pyflink', name), join(folder, name));
  }
  await Promise.all([environment, target].map((path) => rm(path, { recursive: true })));
  await moveScala(folder);
  for (const { coordinates, folder: name } of packages) {
    onStep(`fetching ${coordinates} with mvn`);
    const where = [`-Dartifact=${coordinates}`, `-DoutputDirectory=${join(folder, name)}`];
    await runTool([...mvn, 'dependency:copy', ...where], run);
  }
}

/** Only jobs in Scala need it, and with it on the class path they cannot bring another version. */
async function moveScala(folder: string): Promise<void> {
  for (const name of await readdir(join(folder, 'lib'))) {
    if (!name.startsWith('flink-scala_')) continue;
    await rename(join(folder, 'lib', name), join(folder, 'opt', name));
  }
}
