import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { clockSkew } from './clock-skew.ts';

test('a process whose clock is skewed reads another time, and measures spans as all do', () => {
  const aheadMs = 3_600_000;
  const program = `
    const read = [Date.now(), new Date().getTime(), new Date(5).getTime(), performance.timeOrigin];
    console.log(JSON.stringify([...read, new Date() instanceof Date]));
  `;
  const { stdout } = spawnSync(process.execPath, ['--eval', program], {
    encoding: 'utf8',
    env: { ...process.env, ...clockSkew(aheadMs) },
  });
  const [now, made, given, origin, isDate] = JSON.parse(stdout);
  for (const read of [now, made]) {
    expect(read - Date.now()).toBeGreaterThan(aheadMs - 60_000);
    expect(read - Date.now()).toBeLessThanOrEqual(aheadMs);
  }
  expect(given).toBe(5);
  expect(origin).toBeLessThan(Date.now());
  expect(isDate).toBe(true);
});
