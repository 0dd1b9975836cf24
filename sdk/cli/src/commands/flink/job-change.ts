import { basename } from 'node:path';
import { flink } from '@tessera/proto';
import { type Command, Option } from 'commander';
import { readText, wholeNumber } from '../../arguments.ts';
import type { CommandContext } from '../../context.ts';
import { jobName } from '../../flink/job-name.ts';
import type { Runner } from '../../runner.ts';
import { type AtOption, atOption, putFile } from '../put-file.ts';
import { nothingToUpgrade } from './errors.ts';
import { checkFollow, type FollowOptions, finalText, follow, withFollowOptions } from './follow.ts';

interface UpgradeOptions extends FollowOptions, AtOption {
  readonly jar?: string;
  readonly entryClass?: string;
  readonly argument?: string[];
  readonly sql?: string;
  readonly parallelism?: string;
  readonly mode?: keyof typeof modes;
}

const { UPGRADE_MODE_SAVEPOINT, UPGRADE_MODE_LAST_STATE } = flink.UpgradeMode;
const modes = { savepoint: UPGRADE_MODE_SAVEPOINT, 'last-state': UPGRADE_MODE_LAST_STATE } as const;

/** flink job suspend, resume, upgrade: changes of what is wanted of a job that is there. */
export function jobChangeCommands(job: Command, run: Runner): void {
  withFollowOptions(
    job
      .command('suspend')
      .description('stop a job with its state, and wait until it has stopped')
      .argument('<job>'),
  )
    .addHelpText('after', '\nExample:\n  tessera flink job suspend sums\n')
    .action(
      run((context, id: string, options: FollowOptions) =>
        changeJob(context, id, { suspended: true }, options),
      ),
    );

  withFollowOptions(
    job
      .command('resume')
      .description('let a suspended job go on from its state, and wait until it runs')
      .argument('<job>'),
  )
    .addHelpText('after', '\nExample:\n  tessera flink job resume sums\n')
    .action(
      run((context, id: string, options: FollowOptions) =>
        changeJob(context, id, { suspended: false }, options),
      ),
    );

  upgradeCommand(job, run);
}

function upgradeCommand(job: Command, run: Runner): void {
  withFollowOptions(
    job
      .command('upgrade')
      .description('give a job another program or size; it goes on from its state')
      .argument('<job>')
      .option('--jar <file-or-sha256>', 'a file, which is put on hosts, or an artifact')
      .option('--entry-class <class>', 'of the jar, instead of what its manifest says')
      .option('--argument <argument...>', 'of the program, instead of those that it has')
      .option('--sql <file>', 'a script of Flink SQL')
      .option('--parallelism <count>')
      .addOption(new Option('--mode <mode>', 'how it is stopped').choices(Object.keys(modes)))
      .option('--until-stable', 'wait until the new version has proved stable', false)
      .option(...atOption),
  )
    .addHelpText(
      'after',
      '\nExample:\n  tessera flink job upgrade sums --jar target/sums-2.jar --until-stable\n',
    )
    .action(
      run(async (context, id: string, options: UpgradeOptions) => {
        checkFollow(options);
        const { spec } = await context.client.flinkJobs.getFlinkJob({ name: jobName(id) });
        const changes = await changesOf(context, spec?.program, options);
        if (Object.keys(changes).length === 0) throw nothingToUpgrade(id);
        await changeJob(context, id, changes, options);
      }),
    );
}

async function changesOf(
  context: CommandContext,
  program: flink.FlinkJobSpec['program'],
  options: UpgradeOptions,
): Promise<Partial<flink.FlinkJobSpec>> {
  const { parallelism, mode, sql } = options;
  const size = parallelism && wholeNumber(parallelism, '--parallelism', { min: 1, max: 32_768 });
  const jar = await jarOf(context, program, options);
  return {
    ...(sql !== undefined && { program: { $case: 'sql', value: { script: readText(sql) } } }),
    ...(jar !== undefined && { program: { $case: 'jar', value: jar } }),
    ...(size && { parallelism: size }),
    ...(mode !== undefined && { upgradeMode: modes[mode] }),
  };
}

/** The jar with what is to change of it; `undefined`: nothing is. */
async function jarOf(
  context: CommandContext,
  program: flink.FlinkJobSpec['program'],
  { jar, entryClass, argument, at }: UpgradeOptions,
): Promise<flink.JarProgram | undefined> {
  if (jar === undefined && entryClass === undefined && argument === undefined) return undefined;
  const before = program?.$case === 'jar' ? program.value : flink.JarProgram.create();
  return {
    artifact: jar === undefined ? before.artifact : await artifactOf(context, jar, at),
    entryClass: entryClass ?? before.entryClass,
    arguments: argument ?? before.arguments,
  };
}

async function artifactOf(
  context: CommandContext,
  jar: string,
  at: readonly string[] | undefined,
): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(basename(jar))) return `artifacts/${basename(jar)}`;
  const { digest } = await putFile(context, jar, { copies: '2', ...(at && { at: [...at] }) });
  return `artifacts/${digest}`;
}

/** Writes a change over what was read, and waits for it. @throws ETAG_MISMATCH when somebody else has written meanwhile */
async function changeJob(
  context: CommandContext,
  id: string,
  changes: Partial<flink.FlinkJobSpec>,
  options: FollowOptions,
): Promise<void> {
  checkFollow(options);
  const { flinkJobs } = context.client;
  const { name, etag, spec, version } = await flinkJobs.getFlinkJob({ name: jobName(id) });
  const flinkJob = { name, etag, spec: { ...flink.FlinkJobSpec.create(), ...spec, ...changes } };
  const written = await flinkJobs.updateFlinkJob({ flinkJob, updateMask: ['spec'] });
  if (written.version === version) {
    context.terminal.err(`job ${id} was wanted so already: version ${version} stays\n`);
  }
  await followJob(context, id, written, options);
}

/** Waits for a version of a job that was written, unless that is not wanted. */
export async function followJob(
  context: CommandContext,
  id: string,
  written: flink.FlinkJob,
  options: FollowOptions,
): Promise<void> {
  if (!options.wait) {
    context.say(`job ${id} is wanted as version ${written.version}`, written);
    return;
  }
  const seen = await follow(context, [{ kind: 'job', id }], options);
  context.say(finalText(seen), seen[0]);
}
