import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqlStatements } from './sql-statements.ts';

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
    expect(sqlStatements(script)).toEqual(statements);
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
      expect(sqlStatements(statements.join('\n;\n'))).toEqual(statements);
    }),
  );
});
