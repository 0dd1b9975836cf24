import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { mutants, mutate, mutation } from './mutants.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');

describe.each(mutants)('the mutant $name', (mutant) => {
  const file = join(root, mutant.file);

  test('stands for text that is in its file once', () => {
    const read = readFileSync(file, 'utf8');
    expect(mutate(mutant, read)).toContain(mutant.instead);
  });

  test('is what a process loads that is given it', () => {
    const program = `await import(${JSON.stringify(pathToFileURL(file).href)})`;
    const args = ['--conditions=tessera-source', '--input-type=module', '--eval', program];
    const { status, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, ...mutation(mutant) },
    });
    expect(stderr).toContain(`mutant ${mutant.name} is loaded`);
    expect(status).toBe(0);
  });
});
