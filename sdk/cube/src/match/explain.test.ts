import { describe, expect, it } from 'vitest';
import { formatExplanation } from './explain.ts';
import { statementOf, stateOf } from './fixture.ts';
import { matchStatement } from './match-statement.ts';

/** What is printed for a block on flights, in a project that has `others` models of the weather too. */
function printed(others: number): { readonly text: string; readonly candidates: number } {
  const own = stateOf();
  const fact = { ...own.model.fact, table: { source: 'files', table: 'weather' } };
  const models = Array.from({ length: others }, (_, i) => ({
    ...own,
    model: { ...own.model, name: `weather_${i}`, fact },
  }));
  const statement = statementOf('select sum(price) filter (where fuel > 5) from flights');
  const { explanations } = matchStatement(statement, [own, ...models], { cuboids: 'auto' });
  return {
    text: formatExplanation(explanations),
    candidates: explanations[0]!.candidates.length,
  };
}

describe('the text of EXPLAIN CUBOID', () => {
  it('lists a few models on other facts, each with its reason', () => {
    const { text } = printed(3);
    expect(text.match(/weather_\d .*FACT_NOT_IN_MODEL/g)).toHaveLength(3);
    expect(text).not.toContain('models on other facts');
  });

  it('counts them in one line where they are many, and the value still has them all', () => {
    const { text, candidates } = printed(20);
    expect(text).toContain('… and 20 models on other facts (FACT_NOT_IN_MODEL)');
    expect(text).not.toContain('weather_');
    expect(text).toContain('NOT_IN_MODEL');
    expect(candidates).toBe(21);
  });
});
