import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, defaultVersion, makeBundle } from '@tessera/flink-bundle';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import type { Runner } from '../runner.ts';
import { formatBytes } from '../table.ts';
import { checkPut, type PutOptions, putFile, withPutOptions } from './put-file.ts';

interface FetchOptions extends PutOptions {
  readonly version?: string;
  readonly tarball?: string;
  readonly sha512?: string;
  readonly output?: string;
}

/** flink: Apache Flink on hosts. */
export function flinkCommands(program: Command, run: Runner): void {
  const flink = program.command('flink').description('Apache Flink on hosts');
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
        await checkPut(context, options);
        const folder = mkdtempSync(join(tmpdir(), 'tessera-flink-fetch-'));
        try {
          const unnamed = join(folder, 'flink.tar');
          const bundle = await bundleAt(context, options, unnamed);
          const file = join(folder, `flink-${bundle.version}.tar`);
          renameSync(unnamed, file);
          const { hosts } = await putFile(context, file, options);
          const put = `${madeOf(bundle)} on ${hosts.join(', ')}`;
          context.say(`${put}\n${bundle.digest}`, { ...bundle, hosts });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }),
    );
}

function bundleAt(
  { terminal, options: { json }, signal }: CommandContext,
  { version, tarball, sha512 }: FetchOptions,
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
