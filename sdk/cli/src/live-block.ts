import type { Terminal } from './terminal.ts';

/** A line that has been the same for so long has still to be seen to be alive. */
const stillMs = 2_000;

/** Lines that are redrawn in place on a terminal, with how long each has been the same; elsewhere each line is printed once whenever it changes. */
export class LiveBlock {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  /** When the line of each place began to be what it is. */
  #since: readonly number[] = [];
  #drawn = 0;
  #last: readonly string[] = [];

  constructor(terminal: Terminal, nowMs: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
  }

  /** @param lines of which the same place tells of the same thing */
  show(lines: readonly string[]): void {
    const nowMs = this.#nowMs();
    this.#since = lines.map((line, i) => {
      return line === this.#last[i] ? (this.#since[i] ?? nowMs) : nowMs;
    });
    if (this.#terminal.interactive) this.#redraw(lines);
    else {
      for (const [i, line] of lines.entries()) {
        if (line !== this.#last[i]) this.#terminal.err(`${line}\n`);
      }
    }
    this.#last = lines;
  }

  /** Takes the lines off the screen, so that what follows starts on a clean line. */
  clear(): void {
    if (this.#drawn > 0) this.#terminal.err(this.#home());
    this.#drawn = 0;
  }

  #redraw(lines: readonly string[]): void {
    const columns = this.#terminal.columns - 1;
    const nowMs = this.#nowMs();
    const fitting = lines.map((line, i) => fitted(line, nowMs - this.#since[i]!, columns));
    this.#terminal.err(`${this.#home()}${fitting.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  /** To the first line that was drawn, with all from there on wiped. */
  #home(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r\u001b[J`;
  }
}

/** How long it has been the same stays readable where the line is cut. */
function fitted(line: string, sameMs: number, columns: number): string {
  const age = sameMs < stillMs ? '' : ` (${Math.floor(sameMs / 1000)} s)`;
  return `${[...line].slice(0, Math.max(0, columns - age.length)).join('')}${age}`;
}
