#!/usr/bin/env node
// In a clone the command runs from its sources, as the tests do; as an installed package from what was built.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `tessera needs Node 24.12 or newer, this is ${process.versions.node}. In a clone use 'npx tessera', which brings it.`,
  );
  process.exit(1);
}

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const installed = root.includes('/node_modules/');
const main = installed ? join(root, 'dist', 'main.js') : join(root, 'src', 'main.ts');
// Code that is generated from the protos is no part of a clone.
if (!installed && !existsSync(join(root, '..', '..', 'sdk', 'proto', 'src', 'gen'))) {
  console.error("This clone is not set up yet: run 'node scripts/setup.mjs' in it.");
  process.exit(1);
}
const conditions = installed ? [] : ['--conditions=tessera-source'];
// What is compiled of the sources is kept: the next command starts in half the time.
const compiled = join(dirname(dirname(root)), 'node_modules', '.cache', 'compiled');
// DEP0123: over TLS an address without a name is called by its number, which certificates may hold.
const quiet = ['ExperimentalWarning', 'DEP0123'].map((name) => `--disable-warning=${name}`);
const args = process.argv.slice(2);
// What is young may take 16 MB in a daemon, instead of 64: 50 MB less for each, at 3 % of a query's time.
const frugal = args[0] === 'daemon' ? ['--max-semi-space-size=8'] : [];
const argv = [...conditions, ...quiet, ...frugal, main, ...args];
const env = {
  // DuckDB, file reads and DNS share this pool, and it cannot grow once the process runs.
  UV_THREADPOOL_SIZE: '16',
  ...(installed ? {} : { NODE_COMPILE_CACHE: compiled }),
  ...process.env,
};

if (process.platform === 'win32') {
  const child = spawn(process.execPath, argv, { stdio: 'inherit', env });
  process.on('SIGINT', () => {}); // The terminal tells the child too; it decides when to end.
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  // One process instead of two: signals, exit codes and memory are those of the program.
  process.execve(process.execPath, [process.execPath, ...argv], env);
}
