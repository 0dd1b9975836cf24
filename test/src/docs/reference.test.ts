import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');

test('the generated pages of docs/ are those that the sources give', () => {
  const check = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'run.mjs'), join(root, 'scripts', 'docs.mjs'), '--check'],
    { encoding: 'utf8' },
  );
  expect({ status: check.status, printed: check.stderr }).toEqual({ status: 0, printed: '' });
});
