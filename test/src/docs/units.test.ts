import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStandaloneProgram } from '@tessera/standalone';
import { expect, test } from 'vitest';

const unit = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'packaging', 'systemd', 'tessera-host.service'),
  'utf8',
);
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

test('the unit of the host daemon leaves its processes alone', () => {
  expect(setting('KillMode')).toBe('process');
  expect(setting('OOMPolicy')).toBe('continue');
});

test('the unit of the host daemon runs a command that there is, with options that it has', () => {
  const words = setting('ExecStart')!.split(' ').slice(2);
  const host = createStandaloneProgram().commands.find((one) => one.name() === words[0]);
  const run = host?.commands.find((one) => one.name() === words[1]);
  const known = run?.options.map(({ long }) => long);
  const used = words.filter((word) => word.startsWith('--'));
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((option) => !known?.includes(option))).toEqual([]);
});
