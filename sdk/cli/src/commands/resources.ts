import { Code, TesseraError } from '@tessera/base';
import { diffResources, printDiff, printResources, type Resource } from '@tessera/cube';
import type { Command } from 'commander';
import { exportAccess, isAccessResource } from '../access-resources.ts';
import { applyResources, exportResources, folderOf, readResources } from '../apply.ts';
import type { CommandContext } from '../context.ts';
import { exportDeployments, normalized } from '../deployment-resources.ts';
import type { Runner } from '../runner.ts';
import { deploymentText } from './deployment.ts';

const kinds = {
  source: 'Source',
  model: 'Model',
  cube: 'Cube',
  user: 'User',
  group: 'Group',
  role: 'Role',
  policy: 'Policy',
  deployment: 'Deployment',
} as const;
const kindList = 'source, model, cube, user, group, role, policy or deployment';
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
        const wanted = readResources(options.file).map(({ resource }) => normalized(resource));
        const { client, options: global } = context;
        const present = [
          ...(await exportResources(client, global.project)),
          ...(wanted.some(isAccessResource) ? await exportAccess(client, global.project) : []),
          ...(wanted.some(({ kind }) => kind === 'Deployment')
            ? await exportDeployments(client)
            : []),
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

/** Kinds that only administrators see. */
const accessKinds: readonly KindWord[] = ['user', 'group', 'role', 'policy'];

/** @returns the name of what was deleted */
async function deleteOne(
  { client, project }: CommandContext,
  word: KindWord,
  id: string,
): Promise<string> {
  const path = {
    user: 'users',
    group: 'groups',
    role: 'roles',
    policy: `${project}/policies`,
    deployment: 'deployments',
  };
  const name =
    word in path ? `${path[word as keyof typeof path]}/${id}` : `${project}/${word}s/${id}`;
  switch (word) {
    case 'source':
      await client.sources.deleteSource({ name });
      break;
    case 'model':
      await client.models.deleteModel({ name });
      break;
    case 'cube':
      await client.cubes.deleteCube({ name });
      break;
    case 'user':
      await client.users.deleteUser({ name });
      break;
    case 'group':
      await client.groups.deleteGroup({ name });
      break;
    case 'role':
      await client.roles.deleteRole({ name });
      break;
    case 'policy':
      await client.policies.deletePolicy({ name });
      break;
    case 'deployment':
      await client.deployments.deleteDeployment({ name });
  }
  return name;
}

async function select(
  client: Parameters<typeof exportResources>[0],
  project: string,
  kind: string | undefined,
  name: string | undefined,
): Promise<Resource[]> {
  const all = await exported(client, project, kind === undefined ? undefined : kindWord(kind));
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

function exported(
  client: Parameters<typeof exportResources>[0],
  project: string,
  word: KindWord | undefined,
): Promise<Resource[]> {
  if (word === 'deployment') return exportDeployments(client);
  if (word !== undefined && accessKinds.includes(word)) return exportAccess(client, project);
  return exportResources(client, project);
}

function kindWord(kind: string): KindWord {
  const word = kind.toLowerCase().replace(/ies$/, 'y').replace(/s$/, '');
  if (word in kinds) return word as KindWord;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'UNKNOWN_KIND',
    message: `${kind} is not a kind of resource: use ${kindList}.`,
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
    case 'User':
      return `${[...resource.spec.roles, ...resource.spec.groups].join(', ')}${resource.spec.disabled ? ' (disabled)' : ''}`;
    case 'Group':
      return resource.spec.roles.join(', ');
    case 'Role':
      return resource.spec.permissions
        .map(({ functions, project, source, table }) => {
          return `${functions.join(', ')} on ${project}/${source}.${table}`;
        })
        .join('; ');
    case 'Policy':
      return `of role ${resource.spec.role} on ${resource.spec.source}.${resource.spec.table}`;
    case 'Cube':
      return `of model ${resource.spec.model}`;
    case 'Deployment': {
      const { daemons, paused } = resource.spec;
      return `${daemons.map(({ name }) => name).join(', ')}${paused ? ' (paused)' : ''}`;
    }
  }
}
