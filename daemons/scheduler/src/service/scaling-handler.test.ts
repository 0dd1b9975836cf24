import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PluginThreadOptions, pluginThreadDefaults } from '@tessera/daemon';
import { flink } from '@tessera/proto';
import { afterAll, expect, test } from 'vitest';
import { ScalingHandler } from './scaling-handler.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-scaling-handler-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const threads: PluginThreadOptions = {
  ...{ ...pluginThreadDefaults, workDirectory: folder, logLevel: 'silent' },
  fallbackDirectory: import.meta.dirname,
};
const check = (scaling: Parameters<typeof flink.FlinkScaling.fromPartial>[0]) =>
  new ScalingHandler(threads, folder).checkScaling({
    scaling: flink.FlinkScaling.fromPartial(scaling),
  });
const threshold = '@tessera/strategy-threshold';
const veto = '@acme/absent';

test.each<[string, Parameters<typeof check>[0], string, string]>([
  ['a strategy that is not installed', { strategy: veto }, 'scaling', veto],
  [
    'an option that there is not',
    { strategy: threshold, options: '{"targt":1}' },
    'scaling',
    'targt',
  ],
  [
    'an option out of its range',
    { strategy: threshold, options: '{"target":2}' },
    'scaling',
    '<=1',
  ],
  [
    'options of the strategy that is used where none is named',
    { options: '{"x":1}' },
    'scaling',
    'x',
  ],
  ['options that are no JSON', { strategy: threshold, options: '{' }, 'scaling', 'JSON'],
  ['a veto that is not installed', { vetoes: [{ veto }] }, 'scaling.vetoes[0]', veto],
])('%s is refused by name', async (_, scaling, field, named) => {
  await expect(check(scaling)).rejects.toMatchObject({
    reason: 'SCALING_REFUSED',
    violations: [{ field, description: expect.stringContaining(named) }],
  });
});

test('what the scheduler has is taken', async () => {
  expect(await check({})).toEqual({});
  expect(await check({ strategy: threshold, options: '{"target":0.6}' })).toEqual({});
});
