import { ignoreClosedPipes } from '@tessera/cli';
import { namesDaemon, runNamedDaemon } from './daemon-command.ts';

ignoreClosedPipes();
if (namesDaemon(process.argv)) await runNamedDaemon();
else {
  const { createStandaloneProgram } = await import('./up.ts');
  await createStandaloneProgram().parseAsync();
}
