import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flinkFolder } from '@tessera/testkit/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingOutput, stepsOf, titleOf } from './runnable.ts';
import { type Shell, shell, stop } from './shell.ts';

/**
 * docs/guide/flink.md is followed to the letter with a real Flink, but for two things: the block with the word `fetch` puts a bundle on the host that is made of the Flink that is installed, since making one asks package registries; and
 * what all hosts share is a folder of the test.
 */
const page = 'docs/guide/flink.md';
const root = join(import.meta.dirname, '..', '..', '..');
const flink = flinkFolder();
const documented = { address: '127.0.0.1:7400', shared: '/shared/flink' };
const bundle = 'flink-2.3.0.tar';

describe.skipIf(flink === undefined)(page, () => {
  const steps = stepsOf(readFileSync(join(root, page), 'utf8'));
  let folder = '';
  let address = '';
  const started: Shell[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-flink-guide-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    execFileSync('tar', ['-cf', join(folder, bundle), '-C', flink!, 'lib', 'opt', 'plugins']);
  }, 120_000);
  afterAll(async () => {
    await killProcesses();
    for (const one of started.toReversed()) await stop(one);
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  test.for(steps.map((step) => [titleOf(step), step] as const))(
    '%s',
    { timeout: 300_000 },
    async ([, step]) => {
      if (step.kind === 'file') {
        writeFileSync(join(folder, step.name), ofTest(step.text));
        return;
      }
      if (step.isPlatform || step.isBackground) {
        const daemon = shell(`exec ${ofTest(step.script).trim()} --port 0`, folder, address);
        started.push(daemon);
        const at = await daemon.untilPrinted(/ is up on (127\.0\.0\.1:\d+)/);
        if (step.isPlatform) address = at;
        return;
      }
      const isFetch = step.words.includes('fetch');
      const script = isFetch ? `npx tessera artifact put ${bundle}` : ofTest(step.script);
      const { code, printed } = await shell(`set -e\n${script}`, folder, address).ended;
      expect(code, printed).toBe(0);
      const missing = missingOutput(step.output ?? '', printed);
      expect(missing, `is promised, but was printed:\n${printed}`).toBeUndefined();
    },
  );

  function ofTest(text: string): string {
    return text
      .replaceAll(documented.shared, join(folder, 'shared'))
      .replaceAll(documented.address, address);
  }

  /** Those that the page has left running, because a step of it has failed: they outlive the host daemon. */
  async function killProcesses(): Promise<void> {
    if (address === '') return;
    const list = 'npx tessera --json host processes node1 2>/dev/null';
    const { printed } = await shell(list, folder, address).ended;
    for (const [, pid] of printed.matchAll(/"pid": ([1-9]\d*)/g)) {
      try {
        process.kill(-Number(pid), 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  }
});
