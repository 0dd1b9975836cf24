import type { Terminal } from './terminal.ts';

/** A whole screen that is redrawn in place, beside what stood there before. Disposing brings that back. */
export class LiveScreen implements Disposable {
  readonly #terminal: Terminal;

  /** @param terminal whose `out` is a terminal */
  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.out('\u001b[?1049h\u001b[?25l\u001b[2J');
  }

  /** As much of the text as there is room for. */
  show(text: string): void {
    const { columns, rows } = this.#terminal.screen ?? { columns: 100, rows: 24 };
    const lines = text.trimEnd().split('\n');
    const isCut = lines.length > rows - 1;
    const shown = isCut
      ? [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`]
      : lines;
    const fitting = shown.map((line) => [...line].slice(0, columns - 1).join(''));
    this.#terminal.out(`\u001b[H${fitting.map((line) => `${line}\u001b[K\r\n`).join('')}\u001b[J`);
  }

  [Symbol.dispose](): void {
    this.#terminal.out('\u001b[?25h\u001b[?1049l');
  }
}
