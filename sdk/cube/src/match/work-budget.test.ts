import { describe, expect, it } from 'vitest';
import { match, months, statementOf, stateOf } from './fixture.ts';
import { refusalOf } from './match-statement.ts';
import { planWork, sizeOf } from './work-budget.ts';

const small = 'select carrier, count(*) from flights group by 1';

/** Comparisons that no list can stand for. */
function many(terms: number): string {
  const each = Array.from({ length: terms }, (_, i) => `carrier > 'x${i}' or origin < 'y${i}'`);
  return `select count(*) from flights where ${each.join(' or ')}`;
}

describe('the work of matching', () => {
  it('is bounded: beyond it the statement goes to the source, and the reason says so', () => {
    const [block] = match(small, {}, { work: 1 }).explanations;
    expect(block).toMatchObject({
      outcome: 'source',
      reason: { code: 'TOO_COMPLEX_TO_MATCH' },
      candidates: [{ model: 'flights', reason: { code: 'TOO_COMPLEX_TO_MATCH' } }],
    });
    expect(block!.fix).toBeUndefined();
    expect(match(small).explanations[0]!.outcome).toBe('cuboid');
  });

  it('is refused by its reason where push-down is off', () => {
    const refused = match(small, { pushDown: false }, { work: 1 });
    expect(refusalOf(refused)?.reason).toBe('TOO_COMPLEX_TO_MATCH');
  });

  it('is shared by all blocks of a statement', () => {
    const { explanations } = match(
      `${small} union all ${small} union all ${small}`,
      {},
      { work: 200 },
    );
    const outcomes = explanations.map(({ outcome }) => outcome);
    expect(outcomes[0]).toBe('cuboid');
    expect(outcomes[2]).toBe('source');
  });

  it('is enough for hundreds of terms that are no list, and not for any number of them', () => {
    expect(match(many(300)).explanations[0]!.outcome).toBe('cuboid');
    expect(match(many(300), {}, { work: 5_000 }).explanations[0]!.reason!.code).toBe(
      'TOO_COMPLEX_TO_MATCH',
    );
  });

  it('is more for a block that has more files to choose from, however small the block is', () => {
    const [few, more] = [stateOf(), stateOf({ ranges: months(2001, 1, 12) })];
    expect(planWork(1, more)).toBeGreaterThan(2 * planWork(1, few));
    const subqueries = Array.from(
      { length: 2_500 },
      (_, i) => `(select count(*) from flights where carrier = 'x${i}')`,
    );
    const outcomes = match(`select ${subqueries.join(', ')}`).explanations;
    expect(outcomes.at(1)!.outcome).toBe('cuboid');
    expect(outcomes.at(-1)!.reason?.code).toBe('TOO_COMPLEX_TO_MATCH');
  });

  it('is not spent on a fix that nobody would apply', () => {
    const fixOf = (sql: string) => match(sql).explanations[0]!.fix;
    const products = (count: number) =>
      Array.from({ length: count }, (_, i) => `max(fuel * ${i + 2})`).join(', ');
    expect(fixOf(`select ${products(3)} from flights`)!.addMeasures).toHaveLength(3);
    expect(fixOf(`select ${products(150)} from flights`)).toBeUndefined();
  });

  it('grows with the nodes of a block, and hardly with constants in a list', () => {
    const size = (sql: string): number => {
      const { query } = statementOf(sql);
      return query.kind === 'select' ? sizeOf(query) : Number.NaN;
    };
    const list = Array.from({ length: 320 }, (_, i) => i).join(', ');
    const empty = size('select count(*) from flights');
    expect(size(`select count(*) from flights where delay in (${list})`) - empty).toBe(22);
    expect(size(many(300))).toBeGreaterThan(1_200);
  });
});
