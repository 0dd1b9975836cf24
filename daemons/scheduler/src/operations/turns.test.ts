import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { Turns } from './turns.ts';

const of = (project: string, id: number) => ({ target: `projects/${project}/cubes/c${id}`, id });

describe('operations', () => {
  test('of several projects take turns, those of one come in their order', () => {
    const turns = new Turns();
    const waiting = [of('a', 1), of('a', 2), of('a', 3), of('b', 4), of('c', 5), of('b', 6)];
    expect(turns.order(waiting).map(({ id }) => id)).toEqual([1, 4, 5, 2, 6, 3]);
  });

  test('are next by how long ago their project had its turn, however many wait and whoever comes', () => {
    const random = seededRandom(7);
    const turns = new Turns();
    let waiting = Array.from({ length: 200 }, (_, id) => of('busy', id));
    const served = new Map<string, number>();
    for (let turn = 0; turn < 300; turn++) {
      // `eager` asks again as soon as it was served, `rare` now and then.
      if (!waiting.some(({ target }) => target.includes('/eager/')))
        waiting.push(of('eager', turn));
      if (random.next() < 0.1) waiting.push(of('rare', turn));
      const [next] = turns.order(waiting);
      turns.took(next!.target);
      waiting = waiting.filter((item) => item !== next);
      const project = next!.target.split('/')[1]!;
      served.set(project, (served.get(project) ?? 0) + 1);
    }
    expect(Math.abs(served.get('busy')! - served.get('eager')!)).toBeLessThanOrEqual(1);
    expect(waiting.filter(({ target }) => target.includes('/rare/')).length).toBeLessThanOrEqual(1);
  });
});
