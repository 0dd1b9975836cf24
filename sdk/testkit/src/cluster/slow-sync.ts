import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { runTool } from './run-tool.ts';

/** Why fsync cannot be made slow here, `undefined` when it can. */
export function slowSyncUnusable(): string | undefined {
  const { succeeded, why } = runTool('strace', ['--version']);
  return succeeded ? undefined : `strace is not installed: ${why}`;
}

/**
 * Makes every fsync of a running process take longer, until it is disposed. By strace and not by a library that is
 * loaded before libc: etcd is written in Go and asks the kernel itself.
 */
export class SlowSync implements AsyncDisposable {
  readonly #strace: ChildProcess;

  constructor(pid: number, delayMs: number) {
    const calls = 'fsync,fdatasync';
    const inject = `inject=${calls}:delay_exit=${delayMs * 1_000}`;
    const args = ['-f', '-q', '-e', `trace=${calls}`, '-e', inject, '-o', '/dev/null'];
    this.#strace = spawn('strace', [...args, '-p', String(pid)], { stdio: 'ignore' });
    this.#strace.on('error', () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode, pid } = this.#strace;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exit = once(this.#strace, 'exit');
    this.#strace.kill('SIGTERM');
    await exit;
  }
}
