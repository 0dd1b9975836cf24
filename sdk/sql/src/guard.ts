import { sqlTooComplex, sqlTooLarge } from './errors.ts';
import { SourceText, sizeBytesUpTo } from './source-text.ts';
import { type Token, tokens } from './tokens.ts';

/**
 * Bounds on SQL text, checked before anything recursive reads it. `height` bounds the parse tree: parentheses, CASE and
 * operator chains together (`1+1+1` is a tree of height 3). The parser itself gives up at about 1,600 nested CASE or
 * subqueries and 3,200 chained operators, measured with Node's default stack.
 */
export const sqlLimits = { sizeBytes: 1_048_576, tokens: 60_000, height: 200 } as const;

/** One open parenthesis or CASE. */
interface Level {
  readonly word: boolean;
  /** Height of the tallest operand since the last separator, and operators chained on it. */
  operand: number;
  chain: number;
  /** Tallest expression so far. */
  tallest: number;
  /** Set operations and joins: they nest to the left over the whole level. */
  steps: number;
}

/** These end an expression inside a level: what follows is not chained to it. */
const separators: ReadonlySet<string> = new Set(
  'select from where group having order limit offset and or when then else on using values by as with window filter over fetch'.split(
    ' ',
  ),
);
const chained: ReadonlySet<string> = new Set(
  'not is isnull notnull like ilike similar between in collate at escape overlaps operator any all some interval date timestamp time'.split(
    ' ',
  ),
);
const stepping: ReadonlySet<string> = new Set(['union', 'except', 'intersect', 'join']);

/** @throws SQL_TOO_LARGE, SQL_TOO_COMPLEX */
export function checkComplexity(text: string): void {
  const sizeBytes = sizeBytesUpTo(text, sqlLimits.sizeBytes);
  if (sizeBytes > sqlLimits.sizeBytes) throw sqlTooLarge(sizeBytes, sqlLimits.sizeBytes);
  const levels: Level[] = [newLevel(false)];
  let below = 0;
  let count = 0;
  for (const token of tokens(text)) {
    count += 1;
    const where = () => new SourceText(text).positionOfIndex(token.start);
    if (count > sqlLimits.tokens) throw sqlTooComplex('tokens', sqlLimits.tokens, where());
    const depth = levels.length;
    const level = step(levels, token, text);
    if (levels.length !== depth)
      below = levels.slice(0, -1).reduce((sum, l) => sum + 1 + l.chain + l.steps, 0);
    if (below + heightOf(level) > sqlLimits.height) {
      throw sqlTooComplex('levels of nesting and chained operators', sqlLimits.height, where());
    }
  }
}

const newLevel = (word: boolean): Level => ({
  word,
  operand: 0,
  chain: 0,
  tallest: 0,
  steps: 0,
});

const heightOf = (level: Level) =>
  Math.max(level.tallest, level.operand + level.chain) + level.steps;

/** Takes one token into account; gives the innermost level after it. */
function step(levels: Level[], token: Token, text: string): Level {
  const level = levels.at(-1)!;
  if (token.kind === 'open') return pushed(levels, false);
  if (token.kind === 'close') return closed(levels, false);
  if (token.kind === 'comma') separate(level);
  if (token.kind === 'operator') level.chain += 1;
  if (token.kind !== 'word' || token.end - token.start > 10) return level;
  const word = text.slice(token.start, token.end).toLowerCase();
  if (word === 'case') return pushed(levels, true);
  if (word === 'end') return closed(levels, true);
  if (separators.has(word)) separate(level);
  else if (chained.has(word)) level.chain += 1;
  else if (stepping.has(word)) {
    separate(level);
    level.steps += 1;
  }
  return level;
}

function pushed(levels: Level[], word: boolean): Level {
  const level = newLevel(word);
  levels.push(level);
  return level;
}

/** What was inside becomes an operand of what is around it; a close that fits nothing is left to the parser. */
function closed(levels: Level[], word: boolean): Level {
  const level = levels.at(-1)!;
  if (levels.length === 1 || level.word !== word) return level;
  levels.pop();
  const outer = levels.at(-1)!;
  outer.operand = Math.max(outer.operand, heightOf(level) + 1);
  return outer;
}

function separate(level: Level): void {
  level.tallest = Math.max(level.tallest, level.operand + level.chain);
  level.operand = 0;
  level.chain = 0;
}
