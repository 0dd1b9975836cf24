import { describe, expect, test } from 'vitest';
import { kindsOf, QuestionTally } from './question-kinds.ts';

describe('kinds of questions', () => {
  test.each([
    { sql: 'select count(*) as c1 from fact f where true', kinds: [] },
    { sql: 'select count(distinct f.txt) as c1 from fact f where true', kinds: ['distinct count'] },
    {
      sql: 'select f.i as c1 from fact f where true order by 1 desc, 2 limit 3 offset 0',
      kinds: ['top k'],
    },
    {
      sql: 'select a1.name as c1 from fact f left join la a1 on f.k1 = a1.id where true',
      kinds: ['lookup join'],
    },
    {
      sql: 'select b1.region as c1 from fact f, la a1, lb b1 where f.k1 = a1.id and (f.i >= 2)',
      kinds: ['lookup join', 'range filter'],
    },
    { sql: 'select label as c1 from lc c1 where true', kinds: [] },
  ])('$sql', ({ sql, kinds }) => {
    expect(kindsOf(sql)).toEqual(kinds);
  });
});

describe('a tally of questions', () => {
  test('counts each for all and for every kind that it is of', () => {
    const tally = new QuestionTally();
    tally.asked(['top k']);
    tally.asked(['top k', 'lookup join']);
    tally.answered(['top k'], 'source');
    tally.answered(['top k', 'lookup join'], 'mixed');
    expect(tally.all).toEqual({ asked: 2, answered: 2, fromCuboids: 1 });
    expect(tally.of('lookup join')).toEqual({ asked: 1, answered: 1, fromCuboids: 1 });
    expect(tally.of('range filter').asked).toBe(0);
    expect(tally.cuboidShare).toBe(0.5);
  });
});
