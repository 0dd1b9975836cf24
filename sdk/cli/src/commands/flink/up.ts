import type { ParsedResource } from '@tessera/cube';
import type { Command } from 'commander';
import { applyResources, folderOf, readResources } from '../../apply.ts';
import type { CommandContext } from '../../context.ts';
import { isFlinkResource } from '../../flink-resources.ts';
import type { Runner } from '../../runner.ts';
import { type AtOption, atOption } from '../put-file.ts';
import { noFlinkResource, notOfFlink } from './errors.ts';
import {
  checkFollow,
  type Followed,
  type FollowOptions,
  finalText,
  follow,
  withFollowOptions,
} from './follow.ts';
import { resolveFiles } from './resolve-files.ts';

interface UpOptions extends FollowOptions, AtOption {
  readonly file?: string[];
}

/** flink up: clusters and jobs of YAML files, from nothing to running. */
export function upCommand(flink: Command, run: Runner): void {
  withFollowOptions(
    flink
      .command('up')
      .description(
        'bring clusters and jobs of YAML files up, and show how far they are (exit code 5: somebody has to do something first)',
      )
      .argument('[files...]', 'YAML files')
      .option('-f, --file <files...>', 'YAML files')
      .option(...atOption),
  )
    .addHelpText(
      'after',
      '\nWhere a cluster names no bundle, the one of its version is found on hosts, or made. A jar that is a file is put on hosts.\n\nExample:\n  tessera flink up orders.yaml\n',
    )
    .action(
      run(async (context, named: string[], options: UpOptions) => {
        const files = [...named, ...(options.file ?? [])];
        const parsed = readResources(files);
        const other = parsed.find(({ resource }) => !isFlinkResource(resource));
        if (other !== undefined) {
          throw notOfFlink(other.file, other.resource.kind, other.resource.name);
        }
        if (parsed.length === 0) throw noFlinkResource(files, 'FlinkCluster or FlinkJob');
        await applyAndFollow(context, parsed, options);
      }),
    );
}

/** Applies what was read, and waits for it unless that is not wanted. */
export async function applyAndFollow(
  context: CommandContext,
  parsed: readonly ParsedResource[],
  options: FollowOptions & AtOption,
): Promise<void> {
  checkFollow(options);
  const resolved = await resolveFiles(context, parsed, options);
  const { project } = context.options;
  const baseDirectory = folderOf('.');
  await applyResources(context.client, resolved, { project, baseDirectory });
  const applied = resolved.map(({ resource: { kind, name } }): Followed => {
    return { kind: kind === 'FlinkCluster' ? 'cluster' : 'job', id: name };
  });
  if (!options.wait) {
    const lines = applied.map(({ kind, id }) => `applied ${kind} ${id}`);
    context.say(lines.join('\n'), { applied });
    return;
  }
  const seen = await follow(context, applied, options);
  context.say(finalText(seen), seen);
}
