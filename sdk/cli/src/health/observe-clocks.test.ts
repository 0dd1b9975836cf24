import { timestampToProto } from '@tessera/client';
import { ManualClock } from '@tessera/testkit';
import { expect, test } from 'vitest';
import { aheadOfUs } from './observe-clocks.ts';

async function measured(aheadMs: number, thereMs: number, backMs: number) {
  const clock = new ManualClock();
  const call = async () => {
    await clock.advance(thereMs);
    const time = timestampToProto(clock.now() + BigInt(aheadMs) * 1000n);
    await clock.advance(backMs);
    return { time };
  };
  return (await aheadOfUs(call(), ({ time }) => time, clock)).aheadMs;
}

test.each([0, 180_000, -180_000])(
  'a clock that is %d ms ahead is told so, to half of what the call took',
  async (aheadMs) => {
    expect(await measured(aheadMs, 10, 10)).toBe(aheadMs);
    expect(Math.abs((await measured(aheadMs, 1_900, 100))! - aheadMs)).toBeLessThanOrEqual(1_000);
  },
);

test('nothing is said of who did not tell the time, or too late', async () => {
  expect(await measured(0, 100, 5_000)).toBeUndefined();
  const untold = await aheadOfUs(Promise.resolve({}), () => undefined, new ManualClock());
  expect(untold.aheadMs).toBeUndefined();
});
