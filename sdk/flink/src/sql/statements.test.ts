import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqlStatements } from './statements.ts';

const texts = (script: string) => sqlStatements(script).map(({ text }) => text);

describe('a script', () => {
  test.each<[script: string, statements: readonly string[]]>([
    ['SELECT 1; SELECT 2', ['SELECT 1', 'SELECT 2']],
    [' ;; \n;', []],
    ["SET 'a;b' = 'it''s;'; SELECT 1;", ["SET 'a;b' = 'it''s;'", 'SELECT 1']],
    ['SELECT `a;b``;` FROM t;', ['SELECT `a;b``;` FROM t']],
    ['SELECT 1 -- one; two\n; SELECT 2', ['SELECT 1 -- one; two', 'SELECT 2']],
    ['SELECT /* a;\nb; */ 1; -- the end;', ['SELECT /* a;\nb; */ 1']],
    ["SELECT /*+ OPTIONS('a'=';') */ 2-1/1", ["SELECT /*+ OPTIONS('a'=';') */ 2-1/1"]],
    [
      'EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END; SELECT 3;',
      [
        'EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END',
        'SELECT 3',
      ],
    ],
    [
      '/* all */ execute statement set\nbegin insert into a select 1; end',
      ['/* all */ execute statement set\nbegin insert into a select 1; end'],
    ],
    ["SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]],
  ])('%j', (script, statements) => {
    expect(texts(script)).toEqual(statements);
  });
});

test('statements that are joined come apart again', () => {
  const piece = fc.constantFrom(
    'SELECT',
    ' ',
    'a',
    "';'",
    '`;`',
    '/* ; */',
    '-- ;\n',
    '1',
    '-',
    '/',
  );
  const statement = fc
    .array(piece, { minLength: 1, maxLength: 8 })
    .map((pieces) => `x ${pieces.join(' ')}`.trim());
  fc.assert(
    fc.property(fc.array(statement), (statements) => {
      // A comment to the end of a line hides a semicolon in that line.
      expect(texts(statements.join('\n;\n'))).toEqual(statements);
    }),
  );
});

test.each<[script: string, line: number, column: number]>([
  ['SELECT 1', 1, 1],
  ['\n  SELECT 1', 2, 3],
  ['SET; -- one;\n\n SELECT 1', 1, 6],
  ["SET 'a' = ';\n;'; SELECT 1", 2, 5],
])('%j: the last statement begins at line %i, column %i', (script, line, column) => {
  expect(sqlStatements(script).at(-1)).toMatchObject({ line, column });
});

test('what is written in comments is no code', () => {
  const [statement] = sqlStatements('-- first\nINSERT /* a; */ INTO a /*+ hint */ SELECT 1');
  expect(statement?.code).toBe('INSERT   INTO a /*+ hint */ SELECT 1');
});

test('as many statements as a script may have are read', () => {
  const count = 50_000;
  const [last] = sqlStatements(';x'.repeat(count)).slice(-1);
  expect(last).toEqual({ text: 'x', code: 'x', line: 1, column: 2 * count });
  const open = `EXECUTE STATEMENT SET BEGIN${';'.repeat(count)}`;
  expect(sqlStatements(open)).toHaveLength(1);
  expect(sqlStatements(`x${';\n'.repeat(count)}y`).at(-1)).toMatchObject({ line: count + 1 });
});
