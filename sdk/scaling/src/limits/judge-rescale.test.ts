import { describe, expect, test } from 'vitest';
import type { JobSample, ObservedRescale } from '../sample.ts';
import type { Parallelism } from '../topology.ts';
import { circumstancesOf, inputAt, noonMs, size, wants } from './fixture.ts';
import { limitDecision } from './limit-decision.ts';
import { defaultLimits, type LimitedDecision } from './limits.ts';
import { type LimitsMemory, nothingRemembered } from './memory.ts';

const second = 1000;
const limits = { rollback: defaultLimits.rollback };

/** A job that is read from and rescaled, seen by limits every half minute, or oftener. */
class WatchedJob {
  last: LimitedDecision | undefined;
  memory: LimitsMemory = nothingRemembered;
  nowMs = noonMs;
  #runningSinceMs = noonMs;
  #parallelism: Parallelism = size(4, 8);
  #rescales: readonly ObservedRescale[] = [];
  #read = 0;
  #waiting = 1_000;
  readonly #everySeconds: number;

  constructor(everySeconds = 30) {
    this.#everySeconds = everySeconds;
  }

  /** Records per second that arrive, and that are read. */
  run(
    minutes: number,
    { arrive, read, silent = false }: { arrive: number; read: number; silent?: boolean },
    wanted?: Parallelism,
  ): this {
    const every = this.#everySeconds;
    for (let step = 0; step < (minutes * 60) / every; step++) {
      this.nowMs += every * second;
      this.#read += every * read;
      this.#waiting = Math.max(0, this.#waiting + every * (arrive - read));
      const input = inputAt({
        nowMs: this.nowMs,
        parallelism: this.#parallelism,
        runningSinceMs: this.#runningSinceMs,
        rescales: this.#rescales,
        samples: silent ? [] : [this.#sample()],
      });
      this.last = limitDecision(
        wants(wanted),
        circumstancesOf({ limits, memory: this.memory, input }),
      );
      this.memory = JSON.parse(JSON.stringify(this.last.memory));
    }
    return this;
  }

  /** @param waited seconds in which it ran as before, and was not looked at */
  rescale(to: Parallelism, waited = 0): this {
    this.nowMs += waited * second;
    const startedMs = this.nowMs;
    this.nowMs += 60 * second;
    this.#rescales = [
      ...this.#rescales,
      { startedMs, downtimeMs: 60 * second, from: this.#parallelism, to },
    ];
    this.#parallelism = to;
    this.#runningSinceMs = this.nowMs;
    this.#read = 0;
    return this;
  }

  #sample(): JobSample {
    const { nowMs } = this;
    return {
      timeMs: nowMs,
      runningSinceMs: this.#runningSinceMs,
      parallelism: this.#parallelism,
      vertices: {
        source: { recordsIn: this.#read, lagRecords: this.#waiting, busyRatio: 0.5 },
        work: { recordsIn: this.#read },
      },
    };
  }
}

const keepsUp = { arrive: 1_000, read: 1_000 };
const fallsBehind = { arrive: 1_000, read: 700 };
const codes = (job: WatchedJob) => job.last?.effects.map(({ code }) => code);

describe('a rescale that made things worse', () => {
  const made = () => new WatchedJob().run(10, keepsUp).rescale(size(4, 6));

  test('is taken back when the backlog grows and less is read than before', () => {
    const job = made().run(10, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
    expect(codes(job)).toEqual(['ROLLED_BACK']);
  });

  test.each([1, 5, 60])('is taken back when it is looked at every %i s', (every) => {
    const job = new WatchedJob(every).run(10, keepsUp).rescale(size(4, 6)).run(8, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
  });

  test('is taken back when the job waited for minutes before it gave way to another size', () => {
    const job = new WatchedJob().run(10, keepsUp).rescale(size(4, 6), 300).run(10, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
  });

  test('is taken back to the size before, whatever the job had on its way', () => {
    const job = new WatchedJob().run(10, keepsUp).rescale(size(1, 2)).rescale(size(4, 6));
    job.run(10, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
  });

  test.each([1, 4])('is judged with the one that follows it after %i min', (minutes) => {
    const job = made().run(minutes, fallsBehind).rescale(size(4, 12)).run(10, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
  });

  test('is judged no more when another one went back', () => {
    const job = made().run(1, fallsBehind).rescale(size(4, 8));
    expect(codes(job.run(10, fallsBehind))).toEqual([]);
    expect(job.memory.avoided).toEqual([]);
  });

  test('is still judged when the job was narrower for a moment', () => {
    const job = made().run(2, fallsBehind).rescale(size(1, 2)).rescale(size(4, 6));
    expect(job.run(10, fallsBehind).last?.action).toEqual({
      kind: 'rescale',
      parallelism: size(4, 8),
    });
  });

  test('is not judged before its stabilization is over', () => {
    expect(made().run(2, fallsBehind).last?.action.kind).toBe('hold');
  });

  test.each([
    { why: 'the load grows, and more is read than before', now: { arrive: 1_500, read: 1_100 } },
    { why: 'the load has fallen', now: { arrive: 500, read: 500 } },
    { why: 'the backlog of the change is worked off', now: { arrive: 600, read: 800 } },
    { why: 'metrics stop', now: { ...fallsBehind, silent: true } },
  ])('is none when $why', ({ now }) => {
    expect(made().run(20, now).last?.action.kind).toBe('hold');
  });

  test('is not judged when nothing is known of before', () => {
    const job = new WatchedJob().run(10, { ...keepsUp, silent: true }).rescale(size(4, 6));
    expect(job.run(10, fallsBehind).last?.action.kind).toBe('hold');
  });

  test('is not tried again for an hour, nor is a smaller size; a larger one is', () => {
    const job = made().run(10, fallsBehind).rescale(size(4, 8));
    expect(codes(job.run(1, keepsUp, size(4, 6)))).toEqual(['TARGET_AVOIDED']);
    expect(codes(job.run(1, keepsUp, size(3, 5)))).toEqual(['TARGET_AVOIDED']);
    expect(job.run(1, keepsUp, size(4, 7)).last?.action.kind).toBe('rescale');
    expect(codes(job.run(60, keepsUp, size(4, 6)))).toEqual([]);
  });

  test('is taken back once: going back is not judged in turn', () => {
    const job = made()
      .run(10, fallsBehind)
      .rescale(size(4, 8))
      .run(20, { arrive: 2_000, read: 500 });
    expect(job.last?.action.kind).toBe('hold');
  });

  test('to more slots is avoided as it was; still more may be tried', () => {
    const job = new WatchedJob().run(10, keepsUp).rescale(size(4, 10)).run(10, fallsBehind);
    expect(job.last?.action).toEqual({ kind: 'rescale', parallelism: size(4, 8) });
    job.rescale(size(4, 8));
    expect(codes(job.run(1, keepsUp, size(4, 10)))).toEqual(['TARGET_AVOIDED']);
    expect(codes(job.run(1, keepsUp, size(4, 12)))).toEqual([]);
  });

  test('keeps what is remembered bounded', () => {
    const job = new WatchedJob();
    for (let i = 0; i < 30; i++)
      job.run(10, keepsUp).rescale(size(4, 6)).run(10, fallsBehind).rescale(size(4, 8));
    expect(JSON.stringify(job.memory).length).toBeLessThan(12_000);
  });
});
