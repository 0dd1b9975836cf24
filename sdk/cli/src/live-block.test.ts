import { expect, test } from 'vitest';
import { LiveBlock } from './live-block.ts';
import { LiveScreen } from './live-screen.ts';

const esc = '\u001b';
const pieces = new RegExp(`${esc}\\[[?\\d]*[A-Za-z]|\\r|\\n|[^${esc}\\r\\n]+`, 'g');
const movement = new RegExp(`^${esc}\\[(\\d*)([AHJK])$`);

/** What stands on a terminal that knows the movements that are used, from its first line on. */
function screenOf(written: string): string[] {
  const lines: string[] = [''];
  let [row, column] = [0, 0];
  const wipe = (from: number) => {
    lines.length = from + 1;
    lines[from] = lines[from]!.slice(0, column);
  };
  for (const part of written.match(pieces) ?? []) {
    const move = movement.exec(part);
    if (part === '\r') column = 0;
    else if (part === '\n') {
      row++;
      column = 0;
      lines[row] ??= '';
    } else if (move?.[2] === 'A') row -= Number(move[1]);
    else if (move?.[2] === 'H') [row, column] = [0, 0];
    else if (move?.[2] === 'J') wipe(row);
    else if (move?.[2] === 'K') lines[row] = lines[row]!.slice(0, column);
    else if (!part.startsWith(esc)) {
      lines[row] = lines[row]!.slice(0, column).padEnd(column) + part;
      column += part.length;
    }
  }
  return lines;
}

function recorder(interactive: boolean) {
  const written = { out: '', err: '' };
  const writer = (to: 'out' | 'err') => (text: string) => {
    written[to] += text;
  };
  const terminal = {
    interactive,
    columns: 12,
    screen: { columns: 12, rows: 4 },
    out: writer('out'),
    err: writer('err'),
  };
  return { written, terminal };
}

test('lines are redrawn in place, cut to the terminal, and leave nothing behind', () => {
  const { written, terminal } = recorder(true);
  terminal.err('before\n');
  const block = new LiveBlock(terminal);
  block.show(['one', 'a line that is too long']);
  expect(screenOf(written.err)).toEqual(['before', 'one', 'a line that', '']);
  block.show(['only']);
  expect(screenOf(written.err)).toEqual(['before', 'only', '']);
  block.clear();
  expect(screenOf(written.err)).toEqual(['before', '']);
});

test('a line that stays the same says for how long, also where it is cut', () => {
  const { written, terminal } = recorder(true);
  let nowMs = 0;
  const block = new LiveBlock(terminal, () => nowMs);
  block.show(['a long line', 'two']);
  nowMs = 1_999;
  block.show(['a long line', 'two']);
  expect(screenOf(written.err)).toEqual(['a long line', 'two', '']);
  nowMs = 61_500;
  block.show(['a long line', 'three']);
  expect(screenOf(written.err)).toEqual(['a lo (61 s)', 'three', '']);
});

test('where no terminal is, a line is printed when it changes', () => {
  const { written, terminal } = recorder(false);
  const block = new LiveBlock(terminal);
  block.show(['one', 'two']);
  block.show(['one', 'three']);
  block.show(['one', 'three']);
  block.clear();
  expect(written.err).toBe('one\ntwo\nthree\n');
});

test('a screen shows as much as there is room for, says what is missing, and gives back what stood there', () => {
  const { written, terminal } = recorder(true);
  {
    using screen = new LiveScreen(terminal);
    screen.show('1\n2\n3\n4\n5\n');
    expect(screenOf(written.out)).toEqual(['1', '2', '… 3 more li', '']);
    screen.show('6\n');
    expect(screenOf(written.out)).toEqual(['6', '']);
  }
  expect(written.out.startsWith('\u001b[?1049h')).toBe(true);
  expect(written.out.endsWith('\u001b[?1049l')).toBe(true);
});
