import { isTesseraError } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { jobScript } from './job-script.ts';

const insert = 'INSERT INTO a SELECT 1';

describe('a script of one job', () => {
  test.each<[string, string, count: number]>([
    ['an INSERT', insert, 1],
    ['after its tables', `SET 'a' = 'b'; CREATE TABLE a (x INT); USE b; ${insert};`, 4],
    ['with hints and comments', `/* all */ insert /*+ x */\ninto a select 1 -- the end`, 1],
    ['a set in one', `EXECUTE STATEMENT SET BEGIN ${insert}; ${insert}; END;`, 1],
    ['a set in parts', `begin statement set; ${insert}; ${insert}; end;`, 4],
    ['a plan', "EXECUTE PLAN 'file:///plan.json'", 1],
    ['a table that is filled', 'CREATE TABLE a AS SELECT 1', 1],
    [
      'a column that is computed, and others named like that',
      `CREATE TABLE a (x INT, y AS (x + 1), \`as\` INT, z STRING COMMENT 'as (') WITH ('b' = 'c'); ${insert}`,
      2,
    ],
  ])('%s', (_, script, count) => {
    expect(jobScript(script)).toHaveLength(count);
  });
});

describe('is refused', () => {
  test.each<[string, string, reason: string, at?: string]>([
    ['nothing at all', ' -- later', 'WITHOUT_JOB'],
    ['preparation alone', 'CREATE TABLE a (x INT)', 'WITHOUT_JOB'],
    ['a second job', `${insert};\n ${insert};`, 'SEVERAL_JOBS', '2:2'],
    ['a set after a job', `${insert}; BEGIN STATEMENT SET; ${insert}; END`, 'SEVERAL_JOBS', '1:25'],
    [
      'a second table that is filled',
      `CREATE TABLE a AS SELECT 1;${insert}`,
      'SEVERAL_JOBS',
      '1:28',
    ],
    ['a query', `SELECT 1; ${insert}`, 'STATEMENT_UNFIT', '1:1'],
    ['preparation for nothing', `${insert}; DROP TABLE a`, 'STATEMENT_UNFIT', '1:25'],
    ['to forget its keys', `RESET; ${insert}`, 'STATEMENT_UNFIT', '1:1'],
    ['to stop others', `${insert};\nSTOP JOB 'a'`, 'STATEMENT_UNFIT', '2:1'],
    [
      'a job of its own',
      `CREATE MATERIALIZED TABLE a AS SELECT 1; ${insert}`,
      'STATEMENT_UNFIT',
      '1:1',
    ],
    ['what is no statement', `INSRET INTO a SELECT 1`, 'STATEMENT_UNFIT', '1:1'],
    ['a set without an end', `BEGIN STATEMENT SET; ${insert}`, 'SET_INVALID', '1:22'],
    ['an end without a set', `${insert.replace('INSERT', 'CREATE')}; END`, 'SET_INVALID', '1:25'],
    [
      'a table within a set',
      'BEGIN STATEMENT SET; CREATE TABLE a (x INT); END',
      'SET_INVALID',
      '1:22',
    ],
    ['its id', `SET '$internal.pipeline.job-id' = 'a'; ${insert}`, 'KEY_RESERVED', '1:1'],
    ['its state', `set 'execution.state-recovery.path'='a'; ${insert}`, 'KEY_RESERVED', '1:1'],
    ['its parallelism', `SET parallelism.default = 2; ${insert}`, 'KEY_RESERVED', '1:1'],
    ['to wait for its end', `SET 'table.dml-sync' = 'true'; ${insert}`, 'KEY_RESERVED', '1:1'],
  ])('%s', (_, script, reason, at) => {
    const error = refusalOf(script);
    expect(error.reason).toBe(`FLINK_SQL_${reason}`);
    const { line, column } = error.metadata;
    expect(line && `${line}:${column}`).toBe(at);
    if (at !== undefined) expect(error.message).toContain(`line ${line}, column ${column}`);
  });
});

function refusalOf(script: string) {
  try {
    jobScript(script);
  } catch (error) {
    if (isTesseraError(error)) return error;
    throw error;
  }
  throw new Error('it is taken');
}
