import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { systemClock } from '@tessera/base';

export interface DaemonCommand {
  /** Such as `query-1`. */
  readonly name: string;
  /** Number of its host. */
  readonly host: number;
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Tells whether it can be used; asked again and again while it starts. */
  readonly isReady: () => Promise<boolean>;
}

/** Also when this process is killed, so that nothing runs on that nobody looks after. */
const endsWithUs = ['--pdeathsig', 'KILL', '--'];
const readyIntervalMs = 50;
const maxTurns = 2_400;
const logTail = 4_000;

/** A daemon as a process, which can be ended in every way and started again over the same files. */
export class DaemonProcess implements AsyncDisposable {
  readonly name: string;
  readonly host: number;
  readonly #command: DaemonCommand;
  #process: ChildProcess | undefined;
  #isPaused = false;

  constructor(command: DaemonCommand) {
    this.name = command.name;
    this.host = command.host;
    this.#command = command;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !hasEnded(this.#process);
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.isRunning ? this.#process!.pid : undefined;
  }

  /** Starts it and returns at once. One that runs is left alone. @param more of the environment, this time only */
  launch(more: Readonly<Record<string, string>> = {}): void {
    if (this.isRunning) return;
    const { argv, environment, logFile } = this.#command;
    const log = openSync(logFile, 'a');
    this.#isPaused = false;
    this.#process = spawn('setpriv', [...endsWithUs, ...argv], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...environment, ...more },
    });
    this.#process.on('error', () => {}); // Told by `untilReady`.
  }

  /** Waits until it can be used; one that has ended is started again. @throws when it never can */
  async untilReady(): Promise<void> {
    let ends = 0;
    for (let turns = 0; turns < maxTurns; turns++) {
      if (!this.isRunning) {
        if (ends++ > 20) throw new Error(`${this.name} ends again and again:\n${this.logEnd()}`);
        this.launch();
      }
      if (await this.#command.isReady().catch(() => false)) return;
      await systemClock.sleep(readyIntervalMs);
    }
    throw new Error(`${this.name} does not get ready:\n${this.logEnd()}`);
  }

  async start(): Promise<void> {
    this.launch();
    await this.untilReady();
  }

  pause(): void {
    this.#isPaused = this.#process?.kill('SIGSTOP') ?? false;
  }

  resume(): void {
    if (this.#isPaused) this.#process?.kill('SIGCONT');
    this.#isPaused = false;
  }

  /** Ends it with a signal and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined || hasEnded(running)) return;
    const exit = once(running, 'exit');
    running.kill(signal);
    if (this.#isPaused && signal !== 'SIGKILL') this.resume();
    await exit;
  }

  /** The last it has said. */
  logEnd(): string {
    return readFileSync(this.#command.logFile, 'utf8').slice(-logTail);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end('SIGKILL');
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null || pid === undefined;
}
