import { beforeAll, describe, expect, test } from 'vitest';
import { bindExpression } from './bind.ts';
import type { Expr } from './expression.ts';
import { bindText } from './fixture.ts';
import { exprKey } from './key.ts';
import { loadParser } from './parse.ts';

beforeAll(loadParser);

const columns = [
  { name: 'delay', type: { kind: 'integer' } },
  { name: 'origin', type: { kind: 'text' } },
] as const;

const bound = (text: string): Expr => bindExpression(text, [{ alias: 'f', columns }]);

const numbers = Array.from({ length: 20 }, (_, i) => i);

function terms(operator: string, glue: string): string {
  return numbers.map((i) => `f.delay ${operator} ${i}`).join(` ${glue} `);
}

describe('many comparisons of one operand with constants are one list', () => {
  test('an OR of equalities is IN, an AND of inequalities is NOT IN', () => {
    expect(exprKey(bound(terms('=', 'or')))).toBe(
      exprKey(bound(`f.delay in (${numbers.join(', ')})`)),
    );
    expect(exprKey(bound(terms('<>', 'and')))).toBe(
      exprKey(bound(`f.delay not in (${numbers.join(', ')})`)),
    );
  });

  test('each operand has its list, constants may stand left, and other terms stay', () => {
    const mixed = numbers.flatMap((i) => [`f.origin = 'x${i}'`, `${i} = f.delay`]);
    const words = numbers.map((i) => `'x${i}'`).join(', ');
    expect(exprKey(bound(`f.delay > 100 or ${mixed.join(' or ')}`))).toBe(
      exprKey(
        bound(`f.delay > 100 or f.origin in (${words}) or f.delay in (${numbers.join(', ')})`),
      ),
    );
  });

  test('what means something else is left alone', () => {
    for (const text of [terms('=', 'and'), terms('<>', 'or'), terms('<', 'or')]) {
      expect(bound(text)).toMatchObject({ kind: 'call', args: { length: numbers.length } });
    }
  });

  test('thousands of them are one node', () => {
    const text = Array.from({ length: 5_000 }, (_, i) => `f.delay = ${i}`).join(' or ');
    expect(bound(text)).toMatchObject({ fn: 'in', args: { length: 5_001 } });
  });

  test('a comparison that is grouped by is still found in an OR of many', () => {
    const keys = numbers.map((i) => `delay = ${i}`);
    const sql = `select ${keys.join(' or ')}, count(*) from flights group by ${keys.join(', ')}`;
    expect(bindText(sql).schema).toHaveLength(2);
  });
});
