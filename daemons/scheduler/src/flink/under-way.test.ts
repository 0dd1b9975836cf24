import { expect, test } from 'vitest';
import { UnderWay } from './under-way.ts';

test('work is under way until it has ended, whatever its end', async () => {
  const underWay = new UnderWay();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun = gates.map(({ promise }, i) => underWay.begin(`j${i}`, () => promise));
  expect([...underWay.keys()]).toEqual(['j0', 'j1']);
  gates[0]!.resolve();
  await begun[0];
  expect([...underWay.keys()]).toEqual(['j1']);
  const settled = underWay.settled();
  gates[1]!.reject(new Error('gone'));
  await Promise.all([settled, begun[1]]);
  expect([...underWay.keys()]).toEqual([]);
});
