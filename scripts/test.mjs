// Runs the tests: node scripts/test.mjs [--long] [vitest arguments]
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const args = process.argv.slice(2);
const long = args.includes('--long');
const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
const child = spawn(process.execPath, [vitest, 'run', ...args.filter((arg) => arg !== '--long')], {
  stdio: 'inherit',
  env: {
    ...process.env,
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    ...(long ? { TESSERA_LONG: '1' } : {}),
  },
});
child.on('exit', (code) => process.exit(code ?? 1));
