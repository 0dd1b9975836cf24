import type { scheduler } from '@tessera/proto';
import { formatBytes, formatCount } from './table.ts';
import type { Terminal } from './terminal.ts';

const barWidth = 24;

/** Shows an operation: one line redrawn in place on a terminal, one line per phase elsewhere. */
export class ProgressBar {
  readonly #terminal: Terminal;
  #lastPhase = '';
  #drawn = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(progress: scheduler.BuildProgress): void {
    if (this.#terminal.interactive) {
      const line = describe(progress).slice(0, this.#terminal.columns - 1);
      this.#terminal.err(`\r\u001b[2K${line}`);
      this.#drawn = true;
    } else if (progress.phase !== this.#lastPhase) {
      this.#terminal.err(`${describe(progress)}\n`);
      this.#lastPhase = progress.phase;
    }
  }

  /** Takes the bar off the screen, so that what follows starts on a clean line. */
  clear(): void {
    if (this.#drawn) this.#terminal.err('\r\u001b[2K');
    this.#drawn = false;
  }
}

function describe(progress: scheduler.BuildProgress): string {
  const { stepsDone, stepsTotal, phase, step, rowsDone, bytesWritten, secondsLeft } = progress;
  const share = stepsTotal > 0 ? Math.min(1, stepsDone / stepsTotal) : 0;
  const filled = Math.round(share * barWidth);
  const parts = [
    `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`,
    `${Math.floor(share * 100)}%`,
    phase.toLowerCase(),
    step === phase ? '' : step,
    rowsDone > 0n ? `${formatCount(rowsDone)} rows` : '',
    bytesWritten > 0n ? formatBytes(bytesWritten) : '',
    secondsLeft === undefined ? '' : `${Math.ceil(secondsLeft)} s left`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}
