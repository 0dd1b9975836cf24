import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { modelsOfSegments, unusedDictionaries } from './unused-dictionaries.ts';

const model = 'projects/p/models/m';

function dictionary(key: string, version: number, seconds = 1, of = model) {
  const project = of.slice(0, of.indexOf('/models/'));
  return {
    name: `${project}/dictionaries/${key}-${version}`,
    model: of,
    key,
    version: BigInt(version),
    updateTime: { seconds: BigInt(seconds), nanos: 0 },
  };
}

const unused = (all: readonly ReturnType<typeof dictionary>[], models = [model]) =>
  unusedDictionaries(all, { models: new Set(models), before: 10_000_000n }).map(({ name }) => name);

describe('unused dictionaries', () => {
  test('are all versions but the newest of each', () => {
    const all = [dictionary('a', 9), dictionary('a', 10), dictionary('a', 2), dictionary('b', 1)];
    expect(unused(all)).toEqual(['projects/p/dictionaries/a-9', 'projects/p/dictionaries/a-2']);
  });

  test('are not taken for those of the same name in another project', () => {
    const other = 'projects/q/models/m';
    const all = [dictionary('a', 1), dictionary('a', 2, 1, other)];
    expect(unused(all, [model, other])).toEqual([]);
  });

  test('are also the newest when no segment of the model is left', () => {
    expect(unused([dictionary('a', 1), dictionary('a', 2)], [])).toHaveLength(2);
  });

  test('wait for the grace time', () => {
    expect(unused([dictionary('a', 1, 11), dictionary('a', 2)])).toEqual([]);
  });

  test('are asked for by every segment of every cube of the model', () => {
    const cube = (id: string, of: string) =>
      metadata.Cube.fromPartial({ name: `projects/p/cubes/${id}`, spec: { model: of } });
    const segments = [{ name: 'projects/p/cubes/one/segments/2024' }];
    expect([...modelsOfSegments([cube('one', 'm'), cube('two', 'n')], segments)]).toEqual([model]);
  });
});
