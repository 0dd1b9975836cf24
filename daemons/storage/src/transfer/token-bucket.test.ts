import { pieceBytes, TokenBucket } from '@tessera/daemon';
import { ManualClock } from '@tessera/testkit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

const bytesPerSecond = 1_000;
const never = new AbortController().signal;
/** What may come at once: a burst, or the largest piece. */
const burstBytes = 250;

const takers = fc.array(
  fc.array(
    fc.record({
      pauseMs: fc.integer({ min: 0, max: 2_000 }),
      bytes: fc.integer({ min: 1, max: 400 }),
    }),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 5 },
);

test('in no span of time does more move than the rate gives, however many share it', async () => {
  await fc.assert(
    fc.asyncProperty(takers, async (plans) => {
      const clock = new ManualClock(0);
      const bucket = new TokenBucket({ bytesPerSecond, clock });
      const moved: { readonly atMs: number; readonly bytes: number }[] = [];
      const all = plans.map(async (plan) => {
        for (const { pauseMs, bytes } of plan) {
          await clock.sleep(pauseMs);
          await bucket.take(bytes, never);
          moved.push({ atMs: clock.monotonicMs(), bytes });
        }
      });
      await clock.advance(60_000);
      await Promise.all(all);
      const largest = Math.max(burstBytes, ...moved.map(({ bytes }) => bytes));
      for (const [i, from] of moved.entries()) {
        let sum = 0;
        for (const { atMs, bytes } of moved.slice(i)) {
          sum += bytes;
          const given = ((atMs - from.atMs) * bytesPerSecond) / 1_000;
          expect(sum).toBeLessThanOrEqual(given + largest + from.bytes + 1e-6);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('nobody waits for longer than what was taken before him takes', async () => {
  const clock = new ManualClock(0);
  const bucket = new TokenBucket({ bytesPerSecond, clock });
  const doneMs: number[] = [];
  const all = Array.from({ length: 10 }, async () => {
    await bucket.take(500, never);
    doneMs.push(clock.monotonicMs());
  });
  await clock.advance(10_000);
  await Promise.all(all);
  expect(doneMs).toEqual([250, 750, 1_250, 1_750, 2_250, 2_750, 3_250, 3_750, 4_250, 4_750]);
});

test('who gives up while waiting is told why', async () => {
  const clock = new ManualClock(0);
  const bucket = new TokenBucket({ bytesPerSecond, clock });
  const stop = new AbortController();
  const waiting = bucket.take(5_000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(bucket.take(1, stop.signal)).rejects.toThrow('enough');
});

test('a slow bucket is asked for small pieces', () => {
  expect([1, 80_000, 1e9].map(pieceBytes)).toEqual([1_024, 10_000, 262_144]);
});
