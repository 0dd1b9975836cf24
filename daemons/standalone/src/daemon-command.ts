import { Code, TesseraError } from '@tessera/base';
import { exitCodeOf, printFailure, processTerminal } from '@tessera/cli';
import type { Command } from 'commander';

/** Each daemon's own command; only the one that is run is loaded. */
const mains = {
  metadata: () => import('@tessera/metadata/main'),
  storage: () => import('@tessera/storage/main'),
  query: () => import('@tessera/query/main'),
  scheduler: () => import('@tessera/scheduler/main'),
} as const;
const kinds = Object.keys(mains);

/** Whether the arguments of this process ask for a daemon, whose own command then reads the rest of them. */
export function namesDaemon(argv: readonly string[]): boolean {
  return argv[2] === 'daemon' && kinds.includes(argv[3] ?? '');
}

/** Runs the daemon that the arguments of this process name, until it is told to stop. */
export async function runNamedDaemon(): Promise<void> {
  const [, kind] = process.argv.splice(2, 2);
  await mains[kind as keyof typeof mains]();
}

/** `daemon`, for its help: a daemon is run before commander reads anything. */
export function daemonCommand(program: Command): void {
  program
    .command('daemon')
    .description('run one daemon by itself, as on hosts; its options are its own')
    .argument('<kind>', kinds.join(', '))
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nExample:\n  tessera daemon query --metadata 10.0.0.1:7410 --storage 10.0.0.2:7430\n',
    )
    .action((kind: string) => {
      const error = new TesseraError({
        code: Code.INVALID_ARGUMENT,
        reason: 'UNKNOWN_DAEMON',
        message: `${kind} is no daemon: use ${kinds.join(', ')}.`,
        metadata: { kind },
      });
      printFailure(error, processTerminal, false);
      process.exitCode = exitCodeOf(error);
    });
}
