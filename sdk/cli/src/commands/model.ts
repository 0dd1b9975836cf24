import { Code, TesseraError } from '@tessera/base';
import { modelSpecFromProto } from '@tessera/client';
import { diffResources, printDiff, type Resource } from '@tessera/cube';
import type { metadata } from '@tessera/proto';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import type { Runner } from '../runner.ts';

/** model: versions, what differs between two of them, and going back. */
export function modelCommands(program: Command, run: Runner): void {
  const model = program.command('model').description('versions of a model');

  model
    .command('versions')
    .description('list the versions of a model, newest first')
    .argument('<model>')
    .addHelpText('after', '\nExample:\n  tessera model versions sales\n')
    .action(
      run(async (context, name: string) => {
        const path = `${context.project}/models/${name}`;
        const { models } = await context.client.models.listModelVersions({
          name: path,
          pageSize: 1000,
        });
        context.print(
          ['VERSION', 'WRITTEN'],
          models.map((item) => [String(item.version), timeOf(item)]),
          models,
        );
      }),
    );

  model
    .command('diff')
    .description('what changed between two versions of a model')
    .argument('<model>')
    .argument('<from>', 'version')
    .argument('<to>', 'version')
    .addHelpText('after', '\nExample:\n  tessera model diff sales 1 2\n')
    .action(
      run(async (context, name: string, from: string, to: string) => {
        const path = `${context.project}/models/${name}`;
        const [older, newer] = [versionOf(from, '<from>'), versionOf(to, '<to>')];
        const { models } = await context.client.models.listModelVersions({
          name: path,
          pageSize: 1000,
        });
        const diffs = diffResources([version(models, name, older)], [version(models, name, newer)]);
        context.say(diffs.length === 0 ? 'no difference' : printDiff(diffs), { diffs });
      }),
    );

  model
    .command('rollback')
    .description('make an older version the newest one')
    .argument('<model>')
    .argument('<version>')
    .addHelpText('after', '\nExample:\n  tessera model rollback sales 1\n')
    .action(
      run(async (context, name: string, to: string) => {
        const path = `${context.project}/models/${name}`;
        const written = await context.client.models.rollbackModel({
          name: path,
          version: BigInt(versionOf(to, '<version>')),
        });
        context.say(
          `model ${name} is as in version ${to} again, as version ${written.version}`,
          written,
        );
      }),
    );
}

function versionOf(text: string, argument: string): number {
  return wholeNumber(text, argument, { min: 1 });
}

function version(models: readonly metadata.Model[], name: string, wanted: number): Resource {
  const found = models.find((item) => Number(item.version) === wanted);
  if (found !== undefined) return { kind: 'Model', name, spec: modelSpecFromProto(found.spec) };
  throw new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'VERSION_NOT_FOUND',
    message: `Model ${name} has no version ${wanted}; 'tessera model versions ${name}' lists them.`,
    metadata: { model: name, version: String(wanted) },
  });
}

function timeOf({ updateTime }: metadata.Model): string {
  if (updateTime === undefined) return '';
  return new Date(Number(updateTime.seconds) * 1000).toISOString().slice(0, 19);
}
