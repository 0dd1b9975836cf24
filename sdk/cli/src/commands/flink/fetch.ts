import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, defaultVersion, makeBundle } from '@tessera/flink-bundle';
import type { Command } from 'commander';
import type { CommandContext } from '../../context.ts';
import type { Runner } from '../../runner.ts';
import { formatBytes } from '../../table.ts';
import { checkPut, type PutOptions, putFile, withPutOptions } from '../put-file.ts';

interface BundleOptions {
  readonly version?: string;
  readonly tarball?: string;
  readonly sha512?: string;
}

interface FetchOptions extends PutOptions, BundleOptions {
  readonly output?: string;
}

/** flink fetch: the bundle that hosts start Flink from. */
export function fetchCommand(flink: Command, run: Runner): void {
  withPutOptions(
    flink
      .command('fetch')
      .description('make the bundle that hosts start Flink from, and put it on hosts')
      .option('--version <version>', `of Flink; default: ${defaultVersion}, or the tarball's`)
      .option('--tarball <file>', 'make it of this distribution instead of fetching packages')
      .option('--sha512 <hex>', 'what the tarball should be; default: what <file>.sha512 says')
      .option('--output <file>', 'write the bundle to this file, and put it nowhere'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  tessera flink fetch --version 2.3.0\n  tessera flink fetch --tarball flink-2.3.0-bin-scala_2.12.tgz\n',
    )
    .action(
      run(async (context, options: FetchOptions) => {
        if (options.output !== undefined) {
          const bundle = await bundleAt(context, options, options.output);
          context.say(`${madeOf(bundle)} at ${options.output}\n${bundle.digest}`, bundle);
          return;
        }
        const { bundle, hosts } = await fetchBundle(context, options, options);
        const put = `${madeOf(bundle)} on ${hosts.join(', ')}`;
        context.say(`${put}\n${bundle.digest}`, { ...bundle, hosts });
      }),
    );
}

/** What a bundle of a version is called on hosts. */
export function bundleName(version: string): string {
  return `flink-${version}.tar`;
}

/** Of a bundle that is yet to be made. */
function nameOf({ version, tarball }: BundleOptions): string {
  if (tarball !== undefined) return tarball;
  return version === undefined ? 'a bundle of Flink' : bundleName(version);
}

/** Makes a bundle and puts it on hosts. @throws what `makeBundle` and `putFile` do */
export async function fetchBundle(
  context: CommandContext,
  wanted: BundleOptions,
  put: PutOptions,
): Promise<{ readonly bundle: Bundle; readonly hosts: readonly string[] }> {
  await checkPut(context, put, nameOf(wanted));
  const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-fetch-'));
  try {
    const unnamed = join(folder, 'flink.tar');
    const bundle = await bundleAt(context, wanted, unnamed);
    const file = join(folder, bundleName(bundle.version));
    renameSync(unnamed, file);
    const { hosts } = await putFile(context, file, { ...put, unpack: true });
    return { bundle, hosts };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function bundleAt(
  { terminal, options: { json }, signal }: CommandContext,
  { version, tarball, sha512 }: BundleOptions,
  output: string,
): Promise<Bundle> {
  return makeBundle({
    ...(version !== undefined && { version }),
    ...(tarball !== undefined && {
      tarball: { file: tarball, ...(sha512 !== undefined && { sha512 }) },
    }),
    output,
    signal,
    onStep: (step) => {
      if (!json) terminal.err(`${step}\n`);
    },
  });
}

const madeOf = ({ version, fileCount, sizeBytes }: Bundle) =>
  `Flink ${version} (${fileCount} files, ${formatBytes(sizeBytes)})`;
