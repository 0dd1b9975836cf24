/** Where a command writes: answers to `out`, everything else to `err`, so that output can be piped. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when `err` is a terminal on which a line can be redrawn. */
  readonly interactive: boolean;
  readonly columns: number;
}

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 100,
};
