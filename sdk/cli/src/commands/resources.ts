import { diffResources, printDiff, printResources } from '@tessera/cube';
import type { Command } from 'commander';
import { exportAccess, isAccessResource } from '../access-resources.ts';
import { applyResources, exportResources, folderOf, readResources } from '../apply.ts';
import type { CommandContext } from '../context.ts';
import { exportDeployments, normalized } from '../deployment-resources.ts';
import { exportFlink, isFlinkResource, normalizedFlink } from '../flink-resources.ts';
import {
  clusterHeadings,
  clusterRow,
  clusterText,
  jobHeadings,
  jobRow,
  jobText,
  type Watched,
  watchedClusters,
  watchedJobs,
} from '../flink-view.ts';
import type { Runner } from '../runner.ts';
import { deploymentText } from './deployment.ts';
import {
  deleteOne,
  kindList,
  kinds,
  kindWord,
  resourceNotFound,
  select,
  summaryOf,
} from './resource-kinds.ts';

/** apply, diff, get, export, delete: YAML resources. */
export function resourceCommands(program: Command, run: Runner): void {
  program
    .command('apply')
    .description('create or update resources from YAML files')
    .requiredOption('-f, --file <files...>', 'YAML files')
    .option(
      '--base <dir>',
      "folder that relative paths of sources start from (default: the file's)",
    )
    .option('--dry-run', 'check everything, write nothing', false)
    .addHelpText('after', '\nExample:\n  tessera apply -f sales.yaml\n')
    .action(
      run(async (context, options: { file: string[]; base?: string; dryRun: boolean }) => {
        const parsed = readResources(options.file);
        for (const file of options.file) {
          await applyResources(
            context.client,
            parsed.filter((item) => item.file === file),
            {
              project: context.options.project,
              baseDirectory: options.base ?? folderOf(file),
              dryRun: options.dryRun,
            },
          );
        }
        const names = parsed.map(({ resource }) => `${resource.kind} ${resource.name}`);
        const verb = options.dryRun ? 'checked' : 'applied';
        context.say(names.map((name) => `${verb} ${name}`).join('\n'), { [verb]: names });
      }),
    );

  program
    .command('diff')
    .description('show what applying files would change (exit code 0: nothing, 1: something)')
    .requiredOption('-f, --file <files...>', 'YAML files')
    .addHelpText('after', '\nExample:\n  tessera diff -f sales.yaml\n')
    .action(
      run(async (context, options: { file: string[] }) => {
        const wanted = readResources(options.file).map(({ resource }) =>
          isFlinkResource(resource) ? normalizedFlink(resource) : normalized(resource),
        );
        const { client, options: global } = context;
        const present = [
          ...(await exportResources(client, global.project)),
          ...(wanted.some(isAccessResource) ? await exportAccess(client, global.project) : []),
          ...(wanted.some(({ kind }) => kind === 'Deployment')
            ? await exportDeployments(client)
            : []),
          ...(wanted.some(isFlinkResource) ? await exportFlink(client) : []),
        ];
        const known = present.filter((a) =>
          wanted.some((b) => a.kind === b.kind && a.name === b.name),
        );
        const diffs = diffResources(known, wanted);
        context.say(diffs.length === 0 ? 'no difference' : printDiff(diffs), { diffs });
        if (diffs.length > 0) process.exitCode = 1;
      }),
    );

  program
    .command('export')
    .description('print resources as YAML that can be applied again')
    .argument('[kind]', kindList)
    .argument('[name]')
    .addHelpText('after', '\nExample:\n  tessera export > project.yaml\n')
    .action(
      run(async (context, kind: string | undefined, name: string | undefined) => {
        const resources = await select(context.client, context.options.project, kind, name);
        context.terminal.out(printResources(resources));
      }),
    );

  program
    .command('get')
    .description('list resources')
    .argument('[kind]', kindList)
    .argument('[name]')
    .addHelpText('after', '\nExample:\n  tessera get cube\n')
    .action(
      run(async (context, kind: string | undefined, name: string | undefined) => {
        const word = kind === undefined ? undefined : kindWord(kind);
        if (word === 'flink-cluster' || word === 'flink-job') {
          return printFlink(context, word, name);
        }
        const resources = await select(context.client, context.options.project, kind, name);
        context.print(
          ['KIND', 'NAME', 'SUMMARY'],
          resources.map((resource) => [resource.kind, resource.name, summaryOf(resource)]),
          resources,
        );
      }),
    );

  program
    .command('describe')
    .description(
      'all of one resource, as YAML that can be applied again, and how far it is carried out',
    )
    .argument('<kind>', kindList)
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tessera describe deployment cluster\n')
    .action(
      run(async (context, kind: string, name: string) => {
        const { client, options } = context;
        const [resource] = await select(client, options.project, kind, name);
        if (options.json) return context.say('', resource);
        context.terminal.out(printResources([resource!]));
        if (resource!.kind === 'Deployment') {
          context.terminal.out(`\n${await deploymentText(client, name)}`);
        } else if (resource!.kind === 'FlinkCluster') {
          context.terminal.out(`\n${await clusterText(client, name)}`);
        } else if (resource!.kind === 'FlinkJob') {
          context.terminal.out(`\n${await jobText(client, name)}`);
        }
      }),
    );

  program
    .command('delete')
    .description('delete a resource')
    .argument('<kind>', kindList)
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tessera delete cube sales\n')
    .action(
      run(async (context, kind: string, name: string) => {
        const word = kindWord(kind);
        const path = await deleteOne(context, word, name);
        context.say(`deleted ${kinds[word]} ${name}`, { deleted: path });
      }),
    );
}

/** Clusters or jobs of Flink with how far they are; those too that are deleted and being stopped. */
async function printFlink(
  context: CommandContext,
  kind: 'flink-cluster' | 'flink-job',
  name: string | undefined,
): Promise<void> {
  const named = <T extends Watched<unknown, unknown>>(all: readonly T[]) => {
    const found = all.filter((one) => name === undefined || one.name === name);
    if (name !== undefined && found.length === 0) throw resourceNotFound(kind, name);
    return found;
  };
  if (kind === 'flink-cluster') {
    const clusters = named(await watchedClusters(context.client));
    context.print(clusterHeadings, clusters.map(clusterRow), clusters);
  } else {
    const jobs = named(await watchedJobs(context.client));
    context.print(jobHeadings, jobs.map(jobRow), jobs);
  }
}
