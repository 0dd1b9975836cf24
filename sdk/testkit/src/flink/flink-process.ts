import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { systemClock } from '@tessera/base';
import type { Command } from '@tessera/flink';

/** A JobManager, TaskManager or SQL gateway. */
export interface FlinkProcess {
  /** Such as SIGKILL, or SIGSTOP and SIGCONT for a process that hangs. */
  signal(signal: NodeJS.Signals): void;
  /** Ends with SIGKILL and waits until the process is gone. */
  kill(): Promise<void>;
  /** Starts it with the same command, and waits until it serves. */
  start(): Promise<void>;
}

export interface FlinkProcessOptions {
  readonly command: Command;
  /** What it prints is added to this file. */
  readonly logFile: string;
  readonly isServing: () => Promise<boolean>;
}

/** A little more haste for processes that live for a minute: a compiler and a collector that share two cores with a test. */
const hasty = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

const startLimitMs = 120_000;
const pollMs = 100;

export class JavaProcess implements FlinkProcess {
  readonly #options: FlinkProcessOptions;
  #process: ChildProcess | undefined;

  constructor(options: FlinkProcessOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { command, logFile, isServing } = this.#options;
    const [program, ...args] = command.argv;
    const log = openSync(logFile, 'a');
    const child = spawn(program!, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...command.environment, JAVA_TOOL_OPTIONS: hasty },
    });
    this.#process = child;
    closeSync(log);
    await once(child, 'spawn');
    const limit = AbortSignal.timeout(startLimitMs);
    while (!(await isServing())) {
      if (child.exitCode !== null || child.signalCode !== null || limit.aborted) {
        throw new Error(`Flink did not start:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`);
      }
      await systemClock.sleep(pollMs);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}
