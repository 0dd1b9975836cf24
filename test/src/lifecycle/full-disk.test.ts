import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, filesBelow } from './sales.ts';
import { ScratchPlatform } from './scratch-platform.ts';

const entry = join(import.meta.dirname, 'crash', 'full-disk-process.ts');
const rowCount = 200_000;

/** A process that may not write more than so many kilobytes into a file sees what a full disk shows it. */
function buildWithin(folder: string, kilobytes: number) {
  const node = [process.execPath, '--conditions=tessera-source', entry, folder];
  const limited = `trap '' XFSZ; ulimit -S -f ${kilobytes}; exec "$@"`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', limited, 'bash', ...node], {
    encoding: 'utf8',
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('a full disk during a build: one clear failure, nothing published, nothing lost', {
  timeout: 240_000,
}, async () => {
  await using platform = await ScratchPlatform.withSales({ cuboids: '[[day, item]]' });
  const rows = Array.from(
    { length: rowCount },
    (_, i) =>
      `2024-01-${String((i % 28) + 1).padStart(2, '0')},web,${(i * 48_271) % 2_147_483_647},${i % 90}`,
  );
  writeFileSync(
    join(platform.folder, 'sales.csv'),
    ['day,channel,item,amount', ...rows, ''].join('\n'),
  );
  await platform.stop();
  const { outcome, ...after } = buildWithin(platform.folder, 600);
  expect(outcome).toMatch(/^(DISK_FULL|BUILD_OUT_OF_DISK)$/);
  expect(after).toEqual({ rows: [String(rowCount)], segments: 0 });
  await platform.restart();
  expect((await platform.build()).segments).toEqual(['2024-01']);
  const answer = await ask(
    platform.client,
    'select count(*), count(distinct item) from sales',
    'always',
  );
  expect(answer.rows[0]).toBe(`${rowCount}|${rowCount}`);
  expect(filesBelow(join(platform.storageFolder, 'staging'))).toEqual([]);
});
