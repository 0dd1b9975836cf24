import { spawn } from 'node:child_process';

/**
 * Starts `file` with this Node, from sources, and ends as it ends. The thread pool is sized before the process
 * starts, because DuckDB, file reads and DNS share it and it cannot grow later.
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
  const child = spawn(process.execPath, [...flags, file, ...args], {
    stdio: 'inherit',
    env: { ...process.env, UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16' },
  });
  // The terminal sends an interrupt to the whole group; others reach only this process.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
