import { type Connection, connectPlatform, wait } from '@tessera/client';
import type { longrunning } from '@tessera/proto';
import type { Command } from 'commander';
import { ProgressBar } from './progress-bar.ts';
import { formatTable, toJson } from './table.ts';
import type { Terminal } from './terminal.ts';
import { type TransportOptions, transportOptionsOf } from './transport-options.ts';

export const defaultAddress = '127.0.0.1:7400';

export interface GlobalOptions extends TransportOptions {
  readonly address: string;
  readonly project: string;
  readonly json: boolean;
  readonly token?: string;
}

/** What a command works with: a connection, its output, and the end of its time. */
export class CommandContext implements Disposable {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly signal: AbortSignal;
  #connection: Connection | undefined;

  constructor(command: Command, terminal: Terminal, signal: AbortSignal) {
    this.terminal = terminal;
    this.options = command.optsWithGlobals<GlobalOptions>();
    this.signal = signal;
  }

  get client(): Connection {
    this.#connection ??= connectPlatform(this.options.address, {
      transport: transportOptionsOf(this.options),
      ...(this.options.token === undefined ? {} : { token: this.options.token }),
    });
    return this.#connection;
  }

  /** `projects/default`. */
  get project(): string {
    return `projects/${this.options.project}`;
  }

  cube(name: string): string {
    return name.startsWith('projects/') ? name : `${this.project}/cubes/${name}`;
  }

  /** Prints rows for people, or `value` for programs. */
  print(headings: readonly string[], rows: readonly (readonly string[])[], value: unknown): void {
    this.terminal.out(this.options.json ? toJson(value) : formatTable(headings, rows));
  }

  say(text: string, value: unknown): void {
    this.terminal.out(this.options.json ? toJson(value) : `${text}\n`);
  }

  /** Follows an operation to its end; an interrupt cancels it. */
  async follow<Response>(
    operation: longrunning.Operation,
    response: { decode(bytes: Uint8Array): Response },
  ): Promise<Response> {
    const bar = new ProgressBar(this.terminal);
    try {
      return await wait(this.client.operations, operation, {
        response,
        signal: this.signal,
        cancelWithSignal: true,
        onProgress: (progress) => {
          if (!this.options.json) bar.show(progress);
        },
      });
    } finally {
      bar.clear();
    }
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
  }
}
