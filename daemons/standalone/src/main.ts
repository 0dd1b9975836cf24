import { ignoreClosedPipes } from '@tessera/cli';
import { endProcess } from '@tessera/daemon';
import { CommanderError } from 'commander';
import { namesDaemon, runNamedDaemon } from './daemon-command.ts';

ignoreClosedPipes();
if (namesDaemon(process.argv)) await runNamedDaemon();
else {
  const { createStandaloneProgram } = await import('./up.ts');
  await createStandaloneProgram().parseAsync().catch(unlessEnded);
  await written(process.stdout);
  // Connections that are still being made to daemons that say nothing would keep the process for minutes.
  endProcess();
}

/** Help and what commander refuses have been printed by it. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof CommanderError)) throw error;
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
