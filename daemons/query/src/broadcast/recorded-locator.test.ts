import type { LayoutFile } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { RecordedLocator } from './recorded-locator.ts';
import type { SegmentLocator } from './segment-locator.ts';

const cube = 'projects/p/cubes/sales';
const fileOf = (segment: string, fileDigest = 'd'.repeat(64)): LayoutFile => ({
  cube,
  segment,
  layout: 'rows',
  fileDigest,
});
const signal = new AbortController().signal;

function locatorOver(replicas: Readonly<Record<string, readonly string[]>>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const asking: SegmentLocator = {
    locate: async (files) =>
      files.map(({ segment }) => {
        asked.push(segment);
        return { daemons: [`asked for ${segment}`], unasked: [] };
      }),
    forget: () => {},
  };
  const segment = (name: string) => {
    const id = name.slice(`${cube}/segments/`.length);
    const layouts = [{ id: 'rows', fileDigest: 'd'.repeat(64) }];
    const recorded = replicas[id];
    return recorded && metadata.Segment.fromPartial({ name, layouts, replicas: [...recorded] });
  };
  return { clock, asked, locator: new RecordedLocator({ segment, asking, clock }) };
}

describe('where files are, by what metadata records', () => {
  test('are the nodes of their segments; nobody is asked', async () => {
    const { locator, asked } = locatorOver({ s1: ['a', 'b'], s2: ['c'] });
    const found = await locator.locate([fileOf('s1'), fileOf('s2')], signal);
    expect(found.map(({ daemons }) => daemons)).toEqual([['a', 'b'], ['c']]);
    expect(asked).toEqual([]);
  });

  test('is asked for where nothing is recorded, or other files of the segment are', async () => {
    const { locator, asked } = locatorOver({ s1: ['a'], s2: [] });
    const other = fileOf('s1', 'e'.repeat(64));
    const found = await locator.locate([fileOf('s2'), fileOf('s1'), other, fileOf('s3')], signal);
    expect(found.map(({ daemons }) => daemons[0])).toEqual([
      'asked for s2',
      'a',
      'asked for s1',
      'asked for s3',
    ]);
    expect(asked).toEqual(['s2', 's1', 's3']);
  });

  test('is not where a file was missed a short time ago, while others have it', async () => {
    const { locator, clock } = locatorOver({ s1: ['a', 'b'] });
    const daemons = async () => (await locator.locate([fileOf('s1')], signal))[0]!.daemons;
    locator.forget('a', [fileOf('s1')]);
    expect(await daemons()).toEqual(['b']);
    locator.forget('b', [fileOf('s1')]);
    expect(await daemons()).toEqual(['a', 'b']);
    await clock.advance(10_000);
    locator.forget('b', [fileOf('s1')]);
    expect(await daemons()).toEqual(['a']);
  });
});
