import { createStandaloneProgram } from './up.ts';

await createStandaloneProgram().parseAsync();
