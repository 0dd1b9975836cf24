import { ignoreClosedPipes } from '@tessera/cli';
import { createStandaloneProgram } from './up.ts';

ignoreClosedPipes();
await createStandaloneProgram().parseAsync();
