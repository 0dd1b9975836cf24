import { seededRandom } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { expect, test } from 'vitest';
import { cubeOf, PackedSegments } from './packed-segments.ts';

const cubes = ['projects/p/cubes/a', 'projects/p/cubes/b', 'projects/p/cubes/c'];
const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

type Of = (max: number) => number;

function segmentOf(cube: string, of: Of): metadata.Segment {
  return metadata.Segment.fromPartial({
    name: `${cube}/segments/s${of(6)}`,
    etag: String(of(1_000_000)),
    state: of(2) === 0 ? SEGMENT_STATE_READY : SEGMENT_STATE_RETIRED,
    layouts: Array.from({ length: of(3) }, (_, i) => ({ id: `layout-${i}`, rowCount: 5n })),
    replicas: of(2) === 0 ? [] : ['one', 'two'],
  });
}

/** The same without compression, limits or second thoughts. */
class Plain {
  readonly cubes = new Map<string, Map<string, metadata.Segment>>();

  find(name: string): metadata.Segment | undefined {
    return this.cubes.get(cubeOf(name))?.get(name);
  }

  counts(): Map<metadata.SegmentState, number> {
    const all = [...this.cubes.values()].flatMap((cube) => [...cube.values()]);
    const states = Map.groupBy(all, ({ state }) => state);
    return new Map([...states].map(([state, found]) => [state, found.length]));
  }
}

/** What planning may see of it. */
function planned(segment: metadata.Segment | undefined): unknown {
  return segment && { ...segment, etag: '', replicas: [] };
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('holds what a plain map holds (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const of: Of = (max) => Math.floor(random.next() * max);
  const packed = new PackedSegments({ maxUnpackedBytes: 400, maxLate: 2 });
  const plain = new Plain();
  for (let step = 0; step < 400; step++) {
    const cube = cubes[of(cubes.length)]!;
    const held = plain.cubes.get(cube);
    const segment = segmentOf(cube, of);
    const before = plain.find(segment.name);
    const act = of(10);
    if (act === 0) {
      const all = Array.from({ length: of(5) }, () => segmentOf(cube, of));
      const replaced = new Map(all.map((each) => [each.name, each]));
      const wasSame =
        held?.size === replaced.size &&
        [...replaced].every(
          ([name, each]) =>
            JSON.stringify(planned(held.get(name)), text) === JSON.stringify(planned(each), text),
        );
      expect(packed.replace(cube, [...replaced.values()])).toBe(!wasSame);
      plain.cubes.set(cube, replaced);
    } else if (act === 1) {
      packed.drop(cube);
      plain.cubes.delete(cube);
    } else if (act < 4) {
      expect(packed.delete(segment.name)).toBe(held?.delete(segment.name) ?? false);
    } else if (act < 8) {
      const moved =
        before && act < 6 ? { ...before, etag: segment.etag, replicas: ['three'] } : segment;
      const changed =
        JSON.stringify(planned(before), text) !== JSON.stringify(planned(moved), text);
      expect(packed.put(moved)).toBe(held !== undefined && changed);
      held?.set(moved.name, moved);
    } else {
      expect(packed.find(segment.name)).toEqual(before);
      const names = (all: Iterable<metadata.Segment>) =>
        [...all].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(names(packed.of(cube))).toEqual(names(held?.values() ?? []));
    }
    const counts = [...packed.counts()].filter(([, number]) => number > 0);
    expect(new Map(counts)).toEqual(plain.counts());
  }
});

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

test('has objects of no more than the limit, but always of the cube in use', () => {
  const packed = new PackedSegments({ maxUnpackedBytes: 200, maxLate: 2 });
  const of: Of = (max) => max - 1;
  for (const cube of cubes) packed.replace(cube, [segmentOf(cube, of)]);
  for (const cube of cubes) expect(packed.of(cube)).toHaveLength(1);
  expect(packed.unpackedBytes).toBeLessThanOrEqual(200);
  const large = Array.from({ length: 20 }, (_, i) => ({
    ...segmentOf(cubes[0]!, of),
    name: `${cubes[0]}/segments/${i}`,
  }));
  packed.replace(cubes[0]!, large);
  const [first] = packed.of(cubes[0]!);
  expect(packed.of(cubes[0]!)[0]).toBe(first);
});
