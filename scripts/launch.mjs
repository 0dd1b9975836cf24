import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * Starts `file` with this Node, from sources, and ends as it ends. The thread pool is sized before the process
 * starts, because DuckDB, file reads and DNS share it and it cannot grow later. What is compiled of the sources is
 * kept for the next start, which takes half the time then.
 */
export function launch(file, args) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 12)) {
    console.error(
      `Tessera needs Node 24.12 or newer, this is ${process.versions.node}. On Linux, 'npm install' in the clone brings it.`,
    );
    process.exit(1);
  }
  // DEP0123: over TLS an address without a name is called by its number, which certificates may hold.
  const quiet = ['ExperimentalWarning', 'DEP0123'].map((name) => `--disable-warning=${name}`);
  const flags = ['--conditions=tessera-source', ...quiet];
  const env = {
    UV_THREADPOOL_SIZE: '16',
    NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled'),
    ...process.env,
  };
  if (process.platform === 'win32') spawnChild([...flags, file, ...args], env);
  // One process instead of two: signals, exit codes and memory are those of the program.
  else process.execve(process.execPath, [process.execPath, ...flags, file, ...args], env);
}

function spawnChild(args, env) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', env });
  process.on('SIGINT', () => {}); // The terminal sends it to the whole group.
  child.on('exit', (code) => process.exit(code ?? 1));
}
