// Runs a TypeScript program of the workspace from its sources: node scripts/run.mjs FILE [ARG …]
import { launch } from './launch.mjs';

const [file, ...args] = process.argv.slice(2);
launch(file, args);
