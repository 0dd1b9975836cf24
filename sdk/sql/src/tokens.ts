/** Just enough of PostgreSQL's lexer to bound a text before its parser sees it. Linear, no recursion. */
export interface Token {
  readonly kind: 'word' | 'string' | 'number' | 'operator' | 'open' | 'close' | 'comma' | 'other';
  readonly start: number;
  readonly end: number;
}

const wordStart = /[A-Za-z_\u0080-\uffff]/;
const wordPart = /[A-Za-z0-9_$\u0080-\uffff]/;
const operatorSign = /[-+*/<>=~!@#%^&|`?:.]/;

/** Tokens of the text, without white space and comments. What is not closed ends with the text. */
export function* tokens(text: string): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    const skipped = skipBlank(text, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const token = tokenAt(text, at);
    yield token;
    at = token.end;
  }
}

/** Past white space and one comment. */
function skipBlank(text: string, start: number): number {
  let at = start;
  while (at < text.length && /\s/.test(text[at]!)) at++;
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at);
    return end < 0 ? text.length : end + 1;
  }
  return text.startsWith('/*', at) ? endOfComment(text, at) : at;
}

/** Block comments nest. */
function endOfComment(text: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return text.length;
}

function tokenAt(text: string, start: number): Token {
  const sign = text[start]!;
  const token = (kind: Token['kind'], end: number): Token => ({ kind, start, end });
  if (sign === "'") return token('string', endOfQuoted(text, start, "'", false));
  if (sign === '"') return token('word', endOfQuoted(text, start, '"', false));
  if (sign === '$') return dollarToken(text, start);
  if (sign === '(' || sign === '[') return token('open', start + 1);
  if (sign === ')' || sign === ']') return token('close', start + 1);
  if (sign === ',' || sign === ';') return token('comma', start + 1);
  if (wordStart.test(sign)) {
    let end = start + 1;
    while (end < text.length && wordPart.test(text[end]!)) end++;
    const escapes = text[end] === "'" && /^[eEnNbBxX]$/.test(text.slice(start, end));
    if (!escapes) return token('word', end);
    return token('string', endOfQuoted(text, end, "'", /^e$/i.test(sign)));
  }
  if (/[0-9]/.test(sign) || (sign === '.' && /[0-9]/.test(text[start + 1] ?? ''))) {
    let end = start + 1;
    while (end < text.length && /[0-9A-Za-z_.]/.test(text[end]!)) end++;
    return token('number', end);
  }
  return operatorSign.test(sign) ? token('operator', start + 1) : token('other', start + 1);
}

/** Past the closing quote; a doubled quote, or after a backslash when `backslash`, does not close. */
function endOfQuoted(text: string, start: number, quote: string, backslash: boolean): number {
  for (let at = start + 1; at < text.length; at++) {
    if (backslash && text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** `$1`, or `$tag$ … $tag$`. */
function dollarToken(text: string, start: number): Token {
  const tag = /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(
    text.slice(start, start + 66),
  )?.[0];
  if (tag === undefined) {
    let end = start + 1;
    while (end < text.length && /[0-9]/.test(text[end]!)) end++;
    return { kind: 'number', start, end };
  }
  const close = text.indexOf(tag, start + tag.length);
  return { kind: 'string', start, end: close < 0 ? text.length : close + tag.length };
}
