import type { Moment } from './moment.ts';

/** Moments as lines of text, one below the other: a chart that grows downwards. */

const heading = ' TIME  LOAD/s                           READ/s     LAG  BUSY  PARALLELISM  SLOTS';
const linesPerHeading = 20;
const barWidth = 20;
/** Records per second that fill the bar. */
const fullBar = 3_600;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const unknown = '-';
const width = 79;
const indent = ' '.repeat(7);

export class Chart {
  #lines = 0;
  #wanted: number | undefined;
  #waitsFor = '';

  /** The lines of a moment: what it was like, and before it what was decided or what has come in the way since the last one. */
  linesOf(moment: Moment): string[] {
    const lines = [...this.#news(moment), lineOf(moment)];
    return this.#lines++ % linesPerHeading === 0 ? [heading, ...lines] : lines;
  }

  #news({ wanted, why, waitsFor }: Moment): string[] {
    const isResized = wanted !== undefined && wanted !== this.#wanted;
    const isHeld = waitsFor !== '' && waitsFor !== this.#waitsFor;
    if (wanted !== undefined) this.#wanted = wanted;
    this.#waitsFor = waitsFor;
    return [
      ...(isResized ? wrapped(`» ${slotsText(wanted)} by scaling${why ? `: ${why}` : ''}`) : []),
      ...(isHeld ? wrapped(`» waits for ${waitsFor}`) : []),
    ];
  }
}

function lineOf({ second, load, read, lag, busy, parallelism, wanted, slots }: Moment): string {
  const isShort = wanted !== undefined && parallelism !== undefined && wanted !== parallelism;
  const cells = [
    clock(second).padStart(5),
    `${count(load).padStart(6)} ${bar(load / fullBar).padEnd(barWidth)}`,
    count(read).padStart(11),
    count(lag).padStart(7),
    (busy === undefined ? unknown : `${Math.round(busy * 100)}%`).padStart(5),
    `${count(parallelism)}${isShort ? ` of ${wanted}` : ''}`.padStart(12),
    ` ${slots === undefined ? unknown : '■'.repeat(slots.all - slots.free) + '□'.repeat(slots.free)}`,
  ];
  return cells.join(' ');
}

/** Such as `1:05`; `-0:05` before the load begins. */
function clock(second: number): string {
  const whole = Math.round(Math.abs(second));
  const text = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  return second <= -0.5 ? `-${text}` : text;
}

function bar(share: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, share)) * barWidth * 8);
  return '█'.repeat(Math.floor(parts / 8)) + eighths[parts % 8];
}

function count(value: number | undefined): string {
  return value === undefined ? unknown : Math.round(value).toLocaleString('en-US');
}

function slotsText(slots: number): string {
  return `${slots} ${slots === 1 ? 'slot' : 'slots'}`;
}

function wrapped(text: string): string[] {
  const lines = [indent];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)}${lines.at(-1)!.trim() === '' ? '' : ' '}${word}`;
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(`${indent}  ${word}`);
  }
  return lines;
}
