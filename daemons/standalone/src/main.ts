import { ignoreClosedPipes } from '@tessera/cli';
import { namesDaemon, runNamedDaemon } from './daemon-command.ts';

ignoreClosedPipes();
if (namesDaemon(process.argv)) await runNamedDaemon();
else {
  const { createStandaloneProgram } = await import('./up.ts');
  await createStandaloneProgram().parseAsync();
  await written(process.stdout);
  // Connections that are still being made to daemons that say nothing would keep the process for minutes.
  process.exit();
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
