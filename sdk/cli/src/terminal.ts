/** Where a command writes: answers to `out`, everything else to `err`, so that output can be piped. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when `err` is a terminal on which a line can be redrawn. */
  readonly interactive: boolean;
  readonly columns: number;
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
  columns: process.stderr.columns ?? 100,
};
