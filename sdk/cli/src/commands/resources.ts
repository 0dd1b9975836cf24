import { Code, TesseraError } from '@tessera/base';
import { diffResources, printDiff, printResources, type Resource } from '@tessera/cube';
import type { Command } from 'commander';
import { applyResources, exportResources, folderOf, readResources } from '../apply.ts';
import type { Runner } from '../runner.ts';

const kinds = { source: 'Source', model: 'Model', cube: 'Cube' } as const;
type KindWord = keyof typeof kinds;

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
        const wanted = readResources(options.file).map(({ resource }) => resource);
        const present = await exportResources(context.client, context.options.project);
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
    .argument('[kind]', 'source, model or cube')
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
    .argument('[kind]', 'source, model or cube')
    .argument('[name]')
    .addHelpText('after', '\nExample:\n  tessera get cube\n')
    .action(
      run(async (context, kind: string | undefined, name: string | undefined) => {
        const resources = await select(context.client, context.options.project, kind, name);
        context.print(
          ['KIND', 'NAME', 'SUMMARY'],
          resources.map((resource) => [resource.kind, resource.name, summaryOf(resource)]),
          resources,
        );
      }),
    );

  program
    .command('delete')
    .description('delete a resource')
    .argument('<kind>', 'source, model or cube')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tessera delete cube sales\n')
    .action(
      run(async (context, kind: string, name: string) => {
        const word = kindWord(kind);
        const path = `${context.project}/${word}s/${name}`;
        const { client } = context;
        if (word === 'source') await client.sources.deleteSource({ name: path });
        else if (word === 'model') await client.models.deleteModel({ name: path });
        else await client.cubes.deleteCube({ name: path });
        context.say(`deleted ${kinds[word]} ${name}`, { deleted: path });
      }),
    );
}

async function select(
  client: Parameters<typeof exportResources>[0],
  project: string,
  kind: string | undefined,
  name: string | undefined,
): Promise<Resource[]> {
  const all = await exportResources(client, project);
  const ofKind =
    kind === undefined ? all : all.filter((item) => item.kind === kinds[kindWord(kind)]);
  const found = name === undefined ? ofKind : ofKind.filter((item) => item.name === name);
  if (name !== undefined && found.length === 0) {
    throw new TesseraError({
      code: Code.NOT_FOUND,
      reason: 'RESOURCE_NOT_FOUND',
      message: `There is no ${kind} ${name}; 'tessera get ${kind}' lists them.`,
      metadata: { kind: kind ?? '', name },
    });
  }
  return found;
}

function kindWord(kind: string): KindWord {
  const word = kind.toLowerCase().replace(/s$/, '');
  if (word in kinds) return word as KindWord;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'UNKNOWN_KIND',
    message: `${kind} is not a kind of resource: use source, model or cube.`,
    metadata: { kind },
  });
}

function summaryOf(resource: Resource): string {
  switch (resource.kind) {
    case 'Project':
      return resource.spec.description ?? '';
    case 'Source':
      return resource.spec.use;
    case 'Model': {
      const { fact, joins, dimensions, measures } = resource.spec;
      return `${fact.source}.${fact.table}, ${joins.length} joins, ${dimensions.length} dimensions, ${measures.length} measures`;
    }
    case 'Cube':
      return `of model ${resource.spec.model}`;
  }
}
