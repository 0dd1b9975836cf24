import { ManualClock } from '@tessera/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { LoginLimit } from './login-limit.ts';

let clock: ManualClock;
let limit: LoginLimit;
beforeEach(() => {
  clock = new ManualClock();
  limit = new LoginLimit(clock);
});

describe('the limit of wrong passwords', () => {
  test('never keeps a user out elsewhere while one address fails as fast as it may', async () => {
    let failures = 0;
    for (let second = 0; second < 3_600; second++) {
      for (; limit.waitMs('ann', 'one') === 0; failures++) limit.failed('ann', 'one');
      expect(limit.waitMs('ann', 'other')).toBe(0);
      await clock.advance(1_000);
    }
    expect(failures).toBe(5 + 3_600 / 30 - 1);
  });

  test('bounds what many addresses try together', async () => {
    let failures = 0;
    for (let second = 0; second < 600; second++) {
      for (let i = 0; i < 100; i++) {
        if (limit.waitMs('ann', `address-${i}`) > 0) continue;
        limit.failed('ann', `address-${i}`);
        failures++;
      }
      expect(limit.waitMs('ann', 'new')).toBeGreaterThan(0);
      await clock.advance(1_000);
    }
    expect(failures).toBe(50 + 600 / 10 - 1);
    expect(limit.waitMs('bob', 'address-1')).toBe(0);
  });

  test('says for how long to wait', async () => {
    for (let i = 0; i < 5; i++) limit.failed('ann', 'one');
    expect(limit.waitMs('ann', 'one')).toBe(30_000);
    await clock.advance(29_000);
    expect(limit.waitMs('ann', 'one')).toBe(1_000);
    await clock.advance(1_000);
    expect(limit.waitMs('ann', 'one')).toBe(0);
  });

  test('forgives what somebody mistyped once he is right', () => {
    for (let i = 0; i < 4; i++) limit.failed('ann', 'one');
    limit.succeeded('ann', 'one');
    for (let i = 0; i < 4; i++) limit.failed('ann', 'one');
    expect(limit.waitMs('ann', 'one')).toBe(0);
  });
});
