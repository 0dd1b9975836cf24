/**
 * What a page of documentation asks its reader to do. Fenced blocks are told apart by the words after their language:
 *
 * | fence | meaning |
 * | --- | --- |
 * | `sh run` | commands, run one block after the other by one shell each |
 * | `sh run up` | starts the platform, which then serves the rest of the page |
 * | `sh run background` | starts a daemon beside it, in place of the one that an earlier such block started |
 * | `sh run needs=NAME` | skipped where the program NAME is missing |
 * | `text output` | what the commands before it print, standard output first in each command |
 * | `LANGUAGE file=NAME` | saved as NAME |
 */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string; readonly line: number }
  | {
      readonly kind: 'run';
      readonly script: string;
      readonly isPlatform: boolean;
      readonly isBackground: boolean;
      readonly needs: string | undefined;
      /** All words of the fence, for pages that are followed in a way of their own. */
      readonly words: readonly string[];
      /** Lines that must come in this order; `…` stands for any lines. Absent: nothing is promised. */
      readonly output: string | undefined;
      readonly line: number;
    };

interface Block {
  readonly words: readonly string[];
  readonly text: string;
  readonly line: number;
}

/** The steps of a page in order. Blocks without these words are only to be read. */
export function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = [];
  const blocks = blocksOf(page);
  for (const [i, { words, text, line }] of blocks.entries()) {
    const setting = (name: string) =>
      words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
    const file = setting('file');
    if (file !== undefined) steps.push({ kind: 'file', name: file, text, line });
    if (!words.includes('run')) continue;
    const output = outputAfter(blocks, i);
    const isPlatform = words.includes('up');
    const isBackground = words.includes('background');
    const needs = setting('needs');
    const how = { isPlatform, isBackground, needs, words };
    steps.push({ kind: 'run', script: text, ...how, output, line });
  }
  return steps;
}

/** For people who read which step has failed. */
export function titleOf(step: Step): string {
  if (step.kind === 'file') return `line ${step.line}: ${step.name}`;
  return `line ${step.line}: ${step.script.split('\n')[0]}`;
}

/** The next output block, unless files stand between. Two run blocks in a row may share one. */
function outputAfter(blocks: readonly Block[], position: number): string | undefined {
  for (const { words, text } of blocks.slice(position + 1)) {
    if (words.includes('output')) return text;
    if (!words.some((word) => word.startsWith('needs='))) return undefined;
  }
  return undefined;
}

function blocksOf(page: string): readonly Block[] {
  const fence = /^```(\S[^\n]*)\n([\s\S]*?)^```$/gm;
  return [...page.matchAll(fence)].map((match) => ({
    words: match[1]!.split(' '),
    text: match[2]!,
    line: page.slice(0, match.index).split('\n').length,
  }));
}

/**
 * The promised lines that did not come, or `undefined` when all did. Times, sizes and dates of builds are never the
 * same twice, so only their places are compared; so are widths of columns.
 */
export function missingOutput(promised: string, printed: string): string | undefined {
  const lines = printed.split('\n').map(comparable).filter(isTelling);
  let next = 0;
  let maySkip = true;
  for (const line of promised.split('\n')) {
    if (line.trim() === '…') maySkip = true;
    const wanted = comparable(line);
    if (line.trim() === '…' || !isTelling(wanted)) continue;
    const found = lines.indexOf(wanted, next);
    if (found < 0 || (found > next && !maySkip)) return line;
    next = found + 1;
    maySkip = false;
  }
  return undefined;
}

function comparable(line: string): string {
  return line
    .replaceAll(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\b/g, 'TIME')
    .replaceAll(/\b[\d.,]+ ?(ms|s|µs|min)\b/g, 'DURATION')
    .replaceAll(/\b[\d.,]+ (B|kB|MB|GB)(?=\W|$)/g, 'SIZE')
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** Rulers, empty lines and progress say nothing. */
function isTelling(line: string): boolean {
  return /[^-\s]/.test(line) && !/^\[[#.]+\]/.test(line);
}
