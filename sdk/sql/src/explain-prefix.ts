import { sqlSyntax } from './errors.ts';
import type { SourceText } from './source-text.ts';
import { type Token, tokens } from './tokens.ts';

/** What is wanted of a statement instead of its rows. */
export interface Explain {
  /** True: it is run, and what that took is told as well. */
  readonly analyze: boolean;
  readonly format: 'text' | 'json';
}

export interface ExplainPrefix {
  readonly explain?: Explain;
  /** Where the statement itself begins. */
  readonly rest: number;
}

const byDefault: Explain = { analyze: false, format: 'text' };

const options: Readonly<Record<string, Partial<Explain>>> = {
  cuboid: {},
  analyze: { analyze: true },
  'format text': { format: 'text' },
  'format json': { format: 'json' },
};
const firstWords = new Set(Object.keys(options).map((option) => option.split(' ')[0]!));

/**
 * `EXPLAIN [CUBOID | ANALYZE]`, or `EXPLAIN (option, …)` with the options CUBOID, ANALYZE, FORMAT TEXT and FORMAT JSON. A
 * parenthesis that begins with another word is the statement's.
 * @throws SQL_SYNTAX for an option that there is not.
 */
export function explainPrefix(source: SourceText): ExplainPrefix {
  const { text } = source;
  const stream = tokens(text);
  const next = (): Token | undefined => stream.next().value ?? undefined;
  const wordOf = ({ start, end }: Token) => text.slice(start, end).toLowerCase();
  const first = next();
  if (first === undefined || wordOf(first) !== 'explain') return { rest: 0 };
  const second = next();
  if (second?.kind === 'open') {
    const inside = next();
    if (inside !== undefined && firstWords.has(wordOf(inside))) {
      return readOptions(source, inside, next);
    }
  } else if (second !== undefined) {
    const option = options[wordOf(second)];
    if (option !== undefined) return { explain: { ...byDefault, ...option }, rest: second.end };
  }
  return { explain: byDefault, rest: first.end };
}

/** From the first word of a list up to its end. */
function readOptions(
  source: SourceText,
  first: Token,
  next: () => Token | undefined,
): ExplainPrefix {
  let explain = byDefault;
  let option = first;
  let end = first.end;
  for (let token = next(); token !== undefined; token = next()) {
    if (token.kind !== 'comma' && token.kind !== 'close') {
      end = token.end;
      continue;
    }
    const words = source.text.slice(option.start, end).toLowerCase().split(/\s+/).join(' ');
    const known = options[words];
    if (known === undefined) break;
    explain = { ...explain, ...known };
    if (token.kind === 'close') return { explain, rest: token.end };
    option = next() ?? option;
    end = option.end;
  }
  throw sqlSyntax(
    `EXPLAIN takes (${Object.keys(options).join(' | ').toUpperCase()}, …)`,
    source.positionOfIndex(option.start),
  );
}
