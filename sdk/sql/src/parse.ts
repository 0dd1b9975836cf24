import type { Node, ParseResult, SelectStmt } from '@pgsql/types';
import { hasSqlDetails, loadModule, parseSync } from 'libpg-query';
import { multipleStatements, notAQuery, sqlSyntax, sqlTooComplex } from './errors.ts';
import { type Explain, explainPrefix } from './explain-prefix.ts';
import { checkComplexity, sqlLimits } from './guard.ts';
import { SourceText } from './source-text.ts';

/** One parsed query. The tree is the parser's own and stays inside this package. */
export interface ParsedStatement {
  readonly text: string;
  /** `EXPLAIN …`: tell how it would be answered, or was. */
  readonly explain?: Explain;
  readonly source: SourceText;
  readonly select: SelectStmt;
}

/** Loads the parser (WebAssembly, about 0.1 s). Once, before the first `parse`. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/**
 * One SELECT or VALUES statement, with or without EXPLAIN before it.
 * @throws SQL_TOO_LARGE, SQL_TOO_COMPLEX, SQL_SYNTAX, NOT_A_QUERY, MULTIPLE_STATEMENTS
 */
export function parse(text: string): ParsedStatement {
  checkComplexity(text);
  const source = new SourceText(text);
  const { explain, rest } = explainPrefix(source);
  // Blanks instead of the prefix: all offsets stay right.
  const query = explain ? blanked(text, rest) : text;
  const statements = parseTree(query, source).stmts ?? [];
  if (statements.length === 0) throw notAQuery('An empty text');
  if (statements.length > 1) throw multipleStatements(statements.length);
  const select = selectOf(statements[0]?.stmt);
  return { text, source, select, ...(explain && { explain }) };
}

/**
 * One expression, for models.
 * @throws as `parse` does
 */
export function parseExpression(text: string): {
  readonly node: Node;
  readonly source: SourceText;
} {
  checkComplexity(text);
  const prefix = 'select (';
  const source = new SourceText(text, -prefix.length);
  const statements = parseTree(`${prefix}${text}\n)`, source).stmts ?? [];
  const statement = statements[0]?.stmt;
  const select = statement !== undefined && 'SelectStmt' in statement ? statement.SelectStmt : {};
  const target = select.targetList?.[0];
  const { targetList, limitOption, op, ...others } = select;
  const alone = statements.length === 1 && targetList?.length === 1 && isEmpty(others);
  if (!alone || target === undefined || !('ResTarget' in target) || !target.ResTarget.val) {
    throw sqlSyntax('This is not one expression', source.positionOfIndex(0));
  }
  return { node: target.ResTarget.val, source };
}

const isEmpty = (value: object) => Object.keys(value).length === 0;

/** Spaces of the same UTF-8 size; comments before EXPLAIN go too. */
function blanked(text: string, end: number): string {
  const blank = text.slice(0, end).replace(/[^\n]/gu, (character) => {
    const point = character.codePointAt(0)!;
    return ' '.repeat(point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
  });
  return blank + text.slice(end);
}

function parseTree(query: string, source: SourceText): ParseResult {
  if (query.includes('\0')) {
    throw sqlSyntax('The text has a NUL character', source.positionOfIndex(query.indexOf('\0')));
  }
  if (query.trim() === '') throw notAQuery('An empty text');
  try {
    return parseSync(query);
  } catch (error) {
    throw parseFailure(error, source);
  }
}

/** The parser's own errors count in characters. Anything else is a trap: too deep after all. */
function parseFailure(error: unknown, source: SourceText): Error {
  if (!hasSqlDetails(error)) return sqlTooComplex('levels of nesting', sqlLimits.height);
  const message = error.message;
  if (/memory exhausted|stack depth/.test(message)) {
    return sqlTooComplex('levels of nesting', sqlLimits.height);
  }
  const at = source.positionOfCharacter(error.sqlDetails?.cursorPosition);
  const near = /at or near "(.*)"$/s.exec(message)?.[1];
  return sqlSyntax(message, at, hintFor(near ?? '', source.text));
}

const misspelled: Readonly<Record<string, string>> = {
  qualify: 'QUALIFY is not PostgreSQL: filter on the window function in an outer query.',
  top: 'TOP is not PostgreSQL: use LIMIT.',
  all: 'GROUP BY ALL is not PostgreSQL: name the columns.',
};

function hintFor(near: string, text: string): string | undefined {
  const known = misspelled[near.toLowerCase()];
  if (known !== undefined) return known;
  if (/^\s*(explain\s+(cuboid\s+)?)?(selct|slect|selet|seelct)\b/i.test(text)) {
    return 'Did you mean SELECT?';
  }
  if (/,\s*from\b/i.test(text) && /^from$/i.test(near)) return 'Remove the comma before FROM.';
  return undefined;
}

function selectOf(statement: Node | undefined): SelectStmt {
  if (statement !== undefined && 'SelectStmt' in statement) {
    const select = statement.SelectStmt;
    if (select.intoClause !== undefined) throw notAQuery('SELECT INTO');
    return select;
  }
  const tag = Object.keys(statement ?? {})[0] ?? 'An empty text';
  throw notAQuery(
    tag
      .replace(/Stmt$/, '')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase(),
  );
}
