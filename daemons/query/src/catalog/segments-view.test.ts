import { seededRandom, systemClock } from '@tessera/base';
import { silentLogger } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { FakeMetadata } from '../testing/fake-metadata.ts';
import { SegmentsView } from './segments-view.ts';

const cubes = ['projects/p/cubes/a', 'projects/p/cubes/b', 'projects/p/cubes/c'] as const;
const [cube] = cubes;
const signal = AbortSignal.timeout(120_000);
const patience = { timeout: 30_000 };

function segment(of: string, id: number, over: Partial<metadata.Segment> = {}): metadata.Segment {
  const state = metadata.SegmentState.SEGMENT_STATE_READY;
  return { ...metadata.Segment.fromPartial({ name: `${of}/segments/s${id}`, state }), ...over };
}

class Following implements AsyncDisposable {
  readonly metadata = new FakeMetadata();
  changes = 0;
  starts = 0;
  readonly view = new SegmentsView({
    client: this.metadata.client,
    clock: systemClock,
    log: silentLogger,
    onChange: () => this.changes++,
    onStart: () => this.starts++,
  });

  /** As metadata has a cube, and as the view has it. */
  stored(of: string): readonly string[] {
    return this.metadata.stored('segments', of).map(textOf).sort();
  }

  held(of: string): readonly string[] {
    return this.view.of(of).map(textOf).sort();
  }

  async caughtUp(of: string): Promise<void> {
    await expect.poll(() => this.held(of), patience).toEqual(this.stored(of));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.view[Symbol.asyncDispose]();
  }
}

function textOf({ name, etag, sourceRows, replicas }: metadata.Segment): string {
  return [name, etag, sourceRows, ...replicas].join(' ');
}

describe('segments of cubes', () => {
  test('are read when they are needed, of the cube that is needed', async () => {
    await using following = new Following();
    for (const each of cubes) following.metadata.put('segments', segment(each, 1));
    await following.view.load(cube, signal);
    expect(following.held(cube)).toEqual(following.stored(cube));
    expect(cubes.map((each) => following.view.isHeld(each))).toEqual([true, false, false]);
    expect(new Set(following.metadata.lists)).toEqual(
      new Set(['projects/-/cubes/-/segments', `${cube}/segments`]),
    );
  });

  test('have what changed while their list was on its way', async () => {
    await using following = new Following();
    const { metadata: store, view } = following;
    store.put('segments', segment(cube, 1));
    store.put('segments', segment(cube, 2));
    await view.ready();
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    store.answering = () => {
      asked.resolve();
      return answer.promise;
    };
    const loading = view.load(cube, signal);
    await asked.promise;
    store.put('segments', segment(cube, 1, { sourceRows: 7n }));
    store.delete('segments', `${cube}/segments/s2`);
    // The watch tells of this one after those before.
    await expect.poll(() => view.revision, patience).toBe(store.revision);
    answer.resolve();
    await loading;
    expect(following.held(cube)).toEqual(following.stored(cube));
  });

  test('renew nothing that plans are made from when only their replicas change', async () => {
    await using following = new Following();
    const { metadata: store, view } = following;
    store.put('segments', segment(cube, 1));
    store.put('segments', segment(cubes[1], 1));
    await view.load(cube, signal);
    const version = view.versionOf(cube);
    store.put('segments', segment(cube, 1, { replicas: ['one', 'two'], inDeepStorage: true }));
    store.put('segments', segment(cubes[1], 1, { sourceRows: 9n }));
    await expect.poll(() => view.revision, patience).toBe(store.revision);
    expect(view.find(`${cube}/segments/s1`)?.replicas).toEqual(['one', 'two']);
    expect([view.versionOf(cube), following.changes]).toEqual([version, 0]);
    store.put('segments', segment(cube, 1, { sourceRows: 9n }));
    await expect.poll(() => following.changes, patience).toBe(1);
    expect(view.versionOf(cube)).not.toBe(version);
  });

  test('are read again after a gap, and the others stay unread', async () => {
    await using following = new Following();
    const { metadata: store, view } = following;
    store.put('segments', segment(cube, 1));
    await view.load(cube, signal);
    const version = view.versionOf(cube);
    store.put('segments', segment(cube, 2));
    store.delete('segments', `${cube}/segments/s1`);
    store.compact();
    await expect.poll(() => following.starts, patience).toBe(2);
    expect(view.isHeld(cube)).toBe(false);
    expect(following.changes).toBeGreaterThan(0);
    await view.load(cube, signal);
    expect(following.held(cube)).toEqual(following.stored(cube));
    expect(view.versionOf(cube)).not.toBe(version);
  });

  test('are those of now after a refresh, whatever the watch has told', async () => {
    await using following = new Following();
    const { metadata: store, view } = following;
    store.put('segments', segment(cube, 1));
    await view.load(cube, signal);
    for (let round = 0; round < 20; round++) {
      store.put('segments', segment(cube, 1, { sourceRows: BigInt(round) }));
      await view.refresh(signal);
      expect(following.held(cube)).toEqual(following.stored(cube));
    }
  });
});

test.each([1, 2, 3, 4, 5, 6])(
  'are as metadata has them after any changes, breaks and gaps (seed %i)',
  async (seed) => {
    await using following = new Following();
    const { metadata: store, view } = following;
    const random = seededRandom(seed);
    const of = (max: number) => Math.floor(random.next() * max);
    store.answering = async () => {
      for (let turns = of(12); turns > 0; turns--) await new Promise(setImmediate);
    };
    const loads: Promise<void>[] = [];
    for (let step = 0; step < 150; step++) {
      const each = cubes[of(cubes.length)]!;
      const act = of(24);
      if (act < 9) store.put('segments', segment(each, of(5), { sourceRows: BigInt(of(4)) }));
      else if (act < 12) store.put('segments', segment(each, of(5), { replicas: [`n${of(4)}`] }));
      else if (act < 15) store.delete('segments', `${each}/segments/s${of(5)}`);
      else if (act < 19) loads.push(view.load(each, signal));
      else if (act < 21) loads.push(view.refresh(signal));
      else if (act === 21) view.keep((name) => name !== each);
      else if (act === 22 && of(6) === 0) store.breakWatches();
      else if (act === 23 && of(6) === 0) store.compact();
      if (of(3) === 0) await new Promise(setImmediate);
    }
    await Promise.all(loads);
    for (const each of cubes) await view.load(each, signal);
    await view.refresh(signal);
    for (const each of cubes) {
      await view.load(each, signal);
      expect(following.held(each)).toEqual(following.stored(each));
    }
    store.put('segments', segment(cube, 1, { sourceRows: 99n }));
    await following.caughtUp(cube);
  },
);
