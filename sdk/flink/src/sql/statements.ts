/** Where in a script something stands, from 1 on. */
export interface ScriptPosition {
  readonly line: number;
  readonly column: number;
}

/** One statement of a script, without its semicolon, and where it begins. */
export interface SqlStatement extends ScriptPosition {
  /** As it is written, comments included. */
  readonly text: string;
  /** What is left of it without comments. */
  readonly code: string;
}

/** What a semicolon inside does not end: quoted texts and names, in which a doubled quote stands for one, comments and hints. */
const tokens =
  /'(?:[^']|'')*(?:'|$)|`(?:[^`]|``)*(?:`|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[^'`"\-/;]+|[\s\S]/g;

/**
 * The statements of a script. Empty ones are left out, and comments stay where they are. What stands between `EXECUTE STATEMENT SET BEGIN` and `END` is one statement, as the gateway wants it.
 */
export function sqlStatements(script: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  const lineStarts = startsOfLines(script);
  let start = 0;
  let parts = [''];
  const finish = (end: number) => {
    const code = parts.join(';').trim();
    const text = script.slice(start, end);
    const first = start + text.length - text.trimStart().length;
    if (code !== '') statements.push({ text: text.trim(), code, ...at(first, lineStarts) });
    start = end + 1;
    parts = [''];
  };
  for (const { 0: token, index } of script.matchAll(tokens)) {
    const isComment =
      token.startsWith('--') || (token.startsWith('/*') && !token.startsWith('/*+'));
    if (token !== ';') parts[parts.length - 1] += isComment ? ' ' : token;
    else if (isOpenSet(parts)) parts.push('');
    else finish(index);
  }
  finish(script.length);
  return statements;
}

/** A set of statements goes on until its END. */
function isOpenSet(parts: readonly string[]): boolean {
  return (
    /^\s*EXECUTE\s+STATEMENT\s+SET\s+BEGIN\b/i.test(parts[0]!) &&
    !/^\s*END\s*$/i.test(parts.at(-1)!)
  );
}

function startsOfLines(script: string): readonly number[] {
  return [0, ...[...script.matchAll(/\n/g)].map(({ index }) => index + 1)];
}

/** @param lineStarts ascending */
function at(offset: number, lineStarts: readonly number[]): ScriptPosition {
  let [low, high] = [0, lineStarts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (lineStarts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - lineStarts[low]! + 1 };
}
