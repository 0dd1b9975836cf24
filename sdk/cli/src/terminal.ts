/** Where a command writes: answers to `out`, everything else to `err`, so that output can be piped. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when `err` is a terminal on which a line can be redrawn. */
  readonly interactive: boolean;
  readonly columns: number;
  /** Where `out` is a terminal: its size now. */
  readonly screen?: Screen | undefined;
  /** True once nobody reads `out` any more: what goes on by itself may end. */
  readonly isClosed?: boolean;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Lets a command end as usual when nobody reads its output any more, as in `tessera query … | head`: what it does is
 * done, and what it prints is lost.
 */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
  get columns() {
    return process.stderr.columns ?? 100;
  },
  get screen() {
    const { isTTY, columns, rows } = process.stdout;
    return isTTY ? { columns, rows } : undefined;
  },
  get isClosed() {
    return process.stdout.destroyed || process.stdout.errored !== null;
  },
};
