import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FlinkStage } from './flink-stage.ts';

test('a stage has its hosts in the platform, and leaves nothing behind that was started on them', async () => {
  const stage = await FlinkStage.start(2);
  try {
    expect(await stage.tessera('host', 'list')).toMatch(/\bh0\b[\s\S]*\bh1\b/);
    await stage.tessera('host', 'start', 'h1', 'worker', '--', 'sleep', '600');
    const listed = await stage.tessera('--json', 'host', 'processes', 'h1');
    const pid = /"pid": (\d+)/.exec(listed)![1]!;
    expect(existsSync(`/proc/${pid}/exe`)).toBe(true);
    expect(await stage.processes(), 'of Flink').toEqual([]);
    expect(await stage.jobManagerUrl()).toBeUndefined();
    await stage[Symbol.asyncDispose]();
    await expect.poll(() => existsSync(`/proc/${pid}/exe`)).toBe(false);
    expect(existsSync(stage.folder)).toBe(false);
  } finally {
    await stage[Symbol.asyncDispose]();
  }
}, 180_000);
