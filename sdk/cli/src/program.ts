import { Command, Option } from 'commander';
import { accessCommands } from './commands/access.ts';
import { artifactCommands } from './commands/artifact.ts';
import { backupCommands } from './commands/backup.ts';
import { buildCommands } from './commands/build.ts';
import { deploymentCommands } from './commands/deployment.ts';
import { doctorCommand } from './commands/doctor.ts';
import { flinkCommands } from './commands/flink/index.ts';
import { hostCommands } from './commands/host.ts';
import { importCommand } from './commands/import.ts';
import { modelCommands } from './commands/model.ts';
import { operationCommands } from './commands/operations.ts';
import { planCommand } from './commands/plan.ts';
import { queryCommands } from './commands/query.ts';
import { resourceCommands } from './commands/resources.ts';
import { segmentCommands } from './commands/segments.ts';
import { statusCommand } from './commands/status.ts';
import { storageCommands } from './commands/storage.ts';
import { CommandContext, defaultAddress } from './context.ts';
import { exitCodeOf, printFailure, wrongInput } from './failure.ts';
import type { Runner, Subject } from './runner.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { transportOptions } from './transport-options.ts';

const subjects: readonly Subject[] = [
  resourceCommands,
  planCommand,
  buildCommands,
  segmentCommands,
  storageCommands,
  queryCommands,
  importCommand,
  modelCommands,
  operationCommands,
  accessCommands,
  statusCommand,
  doctorCommand,
  backupCommands,
  hostCommands,
  deploymentCommands,
  artifactCommands,
  flinkCommands,
];

/**
 * The `tessera` command without what starts daemons; `further` are commands beside those of this package. Where commander
 * has the last word (help, arguments that it does not know) parsing ends with its `CommanderError`, all said and the exit
 * code set.
 */
export function createProgram(
  terminal: Terminal = processTerminal,
  further: readonly Subject[] = [],
): Command {
  const program = new Command('tessera')
    .description('OLAP cubes over your own files and databases: model, build, ask.')
    .addOption(
      new Option(
        '--address <host:port>',
        'where the platform listens; several that serve the same with commas between them; daemons that run apart by kind: "metadata=a:7410;scheduler=a:7420;query=a:7412"',
      )
        .env('TESSERA_ADDRESS')
        .default(defaultAddress),
    )
    .addOption(new Option('--project <name>', 'project').env('TESSERA_PROJECT').default('default'))
    .addOption(new Option('--token <token>', 'of login, or an API token').env('TESSERA_TOKEN'))
    .option('--json', 'print JSON for programs', false)
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .exitOverride((end) => {
      process.exitCode = end.exitCode === 0 ? 0 : wrongInput;
      throw end;
    })
    .addHelpText(
      'after',
      "\nExample:\n  tessera up --data ./tessera-data\n  tessera query 'select 1'\n",
    );
  for (const option of transportOptions()) program.addOption(option);
  const run = runner(terminal);
  for (const subject of [...subjects, ...further]) subject(program, run);
  program.showHelpAfterError("(run 'tessera --help' for all commands)");
  for (const command of program.commands) hintAtOwnHelp(command, program.name());
  return program;
}

/** Whoever gets a command wrong is shown the way to the help of that one. */
function hintAtOwnHelp(command: Command, above: string): void {
  const words = `${above} ${command.name()}`;
  command.showHelpAfterError(`(run '${words} --help' for what it takes)`);
  for (const below of command.commands) hintAtOwnHelp(below, words);
}

/** Signals that end a command; the operation it follows is cancelled first. */
const endings = ['SIGINT', 'SIGTERM'] as const;

function runner(terminal: Terminal): Runner {
  return (action) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command; // Commander's last argument is the command itself.
      const interrupt = new AbortController();
      const stop = () => interrupt.abort(new Error('interrupted'));
      for (const name of endings) process.once(name, stop);
      using context = new CommandContext(command, terminal, interrupt.signal);
      try {
        await action(context, ...(args as never));
      } catch (error) {
        printFailure(error, terminal, context.options.json);
        process.exitCode = interrupt.signal.aborted ? 130 : exitCodeOf(error);
      } finally {
        for (const name of endings) process.off(name, stop);
      }
    };
}
